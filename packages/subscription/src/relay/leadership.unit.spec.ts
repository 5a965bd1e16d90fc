import { EventEmitter } from 'node:events';
import type pg from 'pg';
import { expect, test } from 'vitest';
import { DOORBELL_CHANNEL } from '../log/names.ts';
import { Leadership } from './leadership.ts';

interface Check {
  readonly noted: number;
  readonly holders: readonly string[];
  /** Numbers whose writers notify before the result arrives. */
  readonly notices?: readonly number[];
}

/** Stands in for the relay's connection: returns these results of checks, one after the other, and records announcements. */
class ScriptedClient extends EventEmitter {
  readonly announcements: { after: number; settled: number; last: number }[] = [];
  readonly #checks: Check[];
  readonly #onEnd: () => void;

  constructor(checks: readonly Check[], onEnd: () => void) {
    super();
    this.#checks = [...checks];
    this.#onEnd = onEnd;
  }

  async query(query: string | { text: string; values: unknown[] }): Promise<unknown> {
    const text = typeof query === 'string' ? query : query.text;
    if (text.includes('change_log_identity')) return { rows: [{ logId: 'log', channel: 'feed' }] };
    if (text.includes('intendant.announce(')) return { rows: [{ payloads: [this.#announce(query)] }] };
    if (!text.includes('intendant.check_log(')) return { rows: [] };
    const result = { rows: [this.#check()] };
    return typeof query === 'string' ? [result] : result;
  }

  #check() {
    const { noted, holders, notices = [] } = this.#checks.shift() ?? { noted: 0, holders: [] };
    for (const number of notices) this.#notify('feed_w', payload(number - 1, number, number));
    if (this.#checks.length === 0) this.#onEnd();
    else this.#notify(DOORBELL_CHANNEL, '');
    return { noted: String(noted), holders, open: holders.length, queue: 0, payloads: [] };
  }

  #announce(query: string | { values: unknown[] }): string {
    const [, , after, settled, last] = (query as { values: number[] }).values as [0, 0, number, number, number];
    this.announcements.push({ after, settled, last });
    return payload(after, settled, Math.max(settled, last));
  }

  #notify(channel: string, content: string): void {
    this.emit('notification', { channel, payload: content });
  }
}

const payload = (after: number, settled: number, last: number) => `log ${after} ${settled} ${last} 1\n[]`;

test('a check is announced only with the number that it found, even if writers announced later ones meanwhile', async () => {
  const ending = new AbortController();
  const client = new ScriptedClient(
    [
      { noted: 100, holders: ['2/1'] },
      { noted: 100, holders: [], notices: [101, 103] },
      { noted: 103, holders: [] },
    ],
    () => ending.abort(),
  );
  const leadership = new Leadership(client as unknown as pg.ClientBase, {
    retentionMs: 1,
    partitionSize: 1,
    onAnnouncement: () => {},
  });
  await leadership.lead(ending.signal);
  expect(client.announcements).toEqual([
    { after: 0, settled: 100, last: 100 },
    { after: 101, settled: 103, last: 103 },
  ]);
});
