import type { LogEntry } from '../log/log-entry.ts';

/** What a relay says. */
export interface Announcement {
  /** Of which log. */
  readonly logId: string;
  /** Up to where the announcement before it went. */
  readonly after: number;
  /** How far the log is settled. */
  readonly settled: number;
  /** The last number taken when the relay looked. */
  readonly last: number;
  /** All changes beyond `after`, up to `settled`, as JSON; undefined where they are too many or too large. */
  readonly changes: string | undefined;
}

/** The payload of a notification: see `intendant.announce`. */
export function readAnnouncement(payload: string): Announcement {
  const end = payload.indexOf('\n');
  const [logId = '', after, settled, last] = (end < 0 ? payload : payload.slice(0, end)).split(' ');
  return {
    logId,
    after: Number(after),
    settled: Number(settled),
    last: Number(last),
    changes: end < 0 ? undefined : payload.slice(end + 1),
  };
}

type AnnouncedChange = [
  sequence: number,
  tableName: string,
  operation: string,
  key: string[],
  orgId: string | null,
  instanceId: string | null,
  revision: string | null,
  record: string | null,
  occurredAtMs: number,
];

export const readEntries = (changes: string): LogEntry[] =>
  (JSON.parse(changes) as AnnouncedChange[]).map(
    ([sequence, tableName, operation, key, orgId, instanceId, revision, record, occurredAtMs]) => ({
      sequence,
      tableName,
      operation,
      key,
      orgId,
      instanceId,
      revision,
      record,
      occurredAt: new Date(occurredAtMs),
    }),
  );
