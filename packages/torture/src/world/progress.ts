import type { AttemptEvent, ChangeEvent, HistoryEvent, OperationEvent } from '../history/history-event.ts';
import { HistoryTail } from '../history/read-history.ts';

interface IntentRequest {
  readonly at: number;
  readonly revision: number;
}

/** What is wanted at places, and what has been reached there. A result may be recorded before the request. */
class UnmetRequests {
  /** The oldest unmet request, by place. */
  readonly open = new Map<string, IntentRequest>();
  readonly #reached = new Map<string, number>();

  add(place: string, request: IntentRequest): void {
    if (!this.open.has(place) && (this.#reached.get(place) ?? 0) < request.revision) this.open.set(place, request);
  }

  /** The server lost changes: a request may never be met, and a revision that was reached may be given again. */
  forget(): void {
    this.open.clear();
    this.#reached.clear();
  }

  /** A skipped revision is done when a newer one is. */
  fulfill(place: string, revision: number): void {
    this.#reached.set(place, Math.max(this.#reached.get(place) ?? 0, revision));
    const request = this.open.get(place);
    if (request !== undefined && request.revision <= revision) this.open.delete(place);
  }
}

/**
 * Follows the history of a run: which acknowledged intents are not yet realized at each of their points, and which have
 * not yet been delivered to each durable name. It determines when recovery is complete; the checker decides what is
 * correct.
 */
export class Progress implements Disposable {
  readonly #tail: HistoryTail;
  readonly #names: readonly string[];
  readonly #realization = new UnmetRequests();
  readonly #delivery = new UnmetRequests();
  readonly #invokedAt = new Map<string, number>();
  /** When the newest acknowledged operation was invoked. */
  #newestOk = 0;
  #newestAttempt = 0;
  #newestChange = 0;
  operations = 0;
  attempts = 0;
  deliveries = 0;

  constructor(path: string, names: readonly string[]) {
    this.#tail = new HistoryTail(path);
    this.#names = names;
  }

  /** Reads the new lines. */
  update(): void {
    for (const event of this.#tail.read()) this.#note(event);
  }

  /**
   * Returns the operations acknowledged before that time that are not done yet; undefined when all are done, and
   * operations and attempts succeed again.
   */
  unmetSince(at: number): string | undefined {
    this.update();
    for (const [kind, requests] of [['realized', this.#realization] as const, ['delivered', this.#delivery] as const])
      for (const [place, request] of requests.open)
        if (request.at <= at) return `not ${kind}: ${place}, revision ${request.revision}`;
    if (this.#newestOk <= at) return 'no operation has succeeded since';
    if (this.#newestAttempt <= at) return 'no attempt has succeeded since';
    return this.#newestChange > at ? undefined : 'no change has been delivered since';
  }

  [Symbol.dispose](): void {
    this.#tail[Symbol.dispose]();
  }

  #note(event: HistoryEvent): void {
    if (event.kind === 'operation') this.#noteOperation(event);
    if (event.kind === 'attempt' && event.phase === 'ok') this.#noteAttempt(event);
    if (event.kind === 'change') this.#noteChange(event);
    if (event.kind === 'failover') for (const needs of [this.#realization, this.#delivery]) needs.forget();
  }

  #noteOperation(event: OperationEvent): void {
    if (event.phase === 'invoke') {
      this.operations++;
      this.#invokedAt.set(event.call, event.at);
      if (event.name === 'softDelete' || event.name === 'delete') this.#forgetRealization(event);
      return;
    }
    if (event.phase === 'ok') {
      this.#newestOk = Math.max(this.#newestOk, this.#invokedAt.get(event.call) ?? 0);
      if (event.name === 'persistIntent') this.#noteIntent(event);
    }
    this.#invokedAt.delete(event.call);
  }

  #noteIntent(event: OperationEvent): void {
    const request = { at: event.at, revision: event.revision as number };
    const row = `${event.table} ${event.org} ${event.id}`;
    for (const name of this.#names)
      if (name.includes(`-${event.table}`) && (!name.includes('@') || name.endsWith(event.org)))
        this.#delivery.add(`${name} ${row}`, request);
    if (event.table !== 'vm' || event.points === undefined) return;
    for (const point of event.points) this.#realization.add(`${row} ${point}`, request);
  }

  #noteAttempt({ at, table, org, id, point, revision }: AttemptEvent): void {
    this.#newestAttempt = at;
    this.#realization.fulfill(`${table} ${org} ${id} ${point}`, revision);
    this.attempts++;
  }

  #noteChange({ at, name, table, org, id, revision, point }: ChangeEvent): void {
    this.#newestChange = at;
    this.deliveries++;
    if (point === undefined) this.#delivery.fulfill(`${name} ${table} ${org} ${id}`, revision ?? 0);
  }

  #forgetRealization({ table, org, id }: OperationEvent): void {
    for (const place of this.#realization.open.keys())
      if (place.startsWith(`${table} ${org} ${id} `)) this.#realization.open.delete(place);
  }
}
