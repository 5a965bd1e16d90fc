import { shiftClock } from './shifted-clock.ts';

/** The orders that a parent may send to a process of the torture. */
export type Order = { readonly order: 'stop' } | { readonly order: 'shift-clock'; readonly byMs: number };

/** Follows the parent's orders, and ends with it. `onStop` sets the function that closes everything before the process ends. */
export function followOrders(): { onStop(close: () => Promise<void>): void } {
  let close = async () => {};
  process.on('disconnect', () => process.exit(0));
  process.on('SIGINT', () => {}); // A terminal sends Ctrl-C to all processes; the parent ends this one.
  process.on('message', (order: Order) => {
    if (order.order === 'shift-clock') shiftClock(order.byMs);
    if (order.order === 'stop')
      void close()
        .catch(() => {})
        .then(() => process.exit(0));
  });
  return {
    onStop: (run) => {
      close = run;
    },
  };
}
