const RealDate = Date;
let shiftMs = 0;

/** The wall clock of this process, as set by `shiftClock`. */
class ShiftedDate extends RealDate {
  constructor(...args: readonly unknown[]) {
    if (args.length === 0) super(ShiftedDate.now());
    else super(...(args as [number]));
  }

  static override now(): number {
    return RealDate.now() + shiftMs;
  }
}

/** Makes `Date` in this process differ from the machine's clock, as when somebody sets the clock. */
export function shiftClock(byMs: number): void {
  shiftMs = byMs;
  globalThis.Date = ShiftedDate as DateConstructor;
}
