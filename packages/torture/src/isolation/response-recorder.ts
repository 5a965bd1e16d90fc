import { ownersIn } from '../checker/owners-in.ts';
import type { HistoryWriter } from '../history/history-writer.ts';
import { textOf } from '../process/outcome.ts';
import { SECRET_MARK } from '../world/tables.ts';

const SHOWN = 600;

/** Records what each response contains. */
export class ResponseRecorder {
  readonly #history: HistoryWriter;
  /** Words that no error may contain, e.g. the password. */
  readonly #secrets: readonly string[];

  constructor(history: HistoryWriter, secrets: readonly string[]) {
    this.#history = history;
    this.#secrets = [SECRET_MARK, ...secrets];
  }

  /** Records a successful result. */
  result(owner: string, entryPoint: string, result: unknown): void {
    this.#write(owner, entryPoint, printed(result), false);
  }

  /** Records an error, which must contain neither values nor secrets. */
  error(owner: string, entryPoint: string, error: unknown): void {
    const text = textOf(error);
    this.#write(
      owner,
      `${entryPoint}, error`,
      text,
      this.#secrets.some((secret) => text.includes(secret)),
    );
  }

  violation(rule: string, text: string): void {
    this.#history.write({ kind: 'complaint', rule, text });
  }

  #write(org: string, entryPoint: string, text: string, secret: boolean): void {
    const owners = ownersIn(text);
    const isBad = secret || owners.length > 1;
    this.#history.write({
      kind: 'answer',
      org,
      door: entryPoint,
      owners,
      secret,
      ...(isBad && { text: text.slice(0, SHOWN) }),
    });
  }
}

/** The text of everything in a value. */
const printed = (value: unknown): string =>
  JSON.stringify(value, (_name, part: unknown) => {
    if (typeof part === 'bigint') return String(part);
    if (part instanceof Map) return [...part];
    if (part instanceof Uint8Array) return Buffer.from(part).toString('latin1');
    return part;
  }) ?? '';
