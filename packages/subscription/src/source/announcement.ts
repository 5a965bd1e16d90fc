import type { LogEntry } from '../log/log-entry.ts';
import type { LogVersion } from '../log/timeline.ts';

/** An announcement of the relay, or a notice of a writer about its own change. */
export interface Announcement extends LogVersion {
  /** The number up to which the previous announcement went. */
  readonly after: number;
  /** The number up to which the log is settled. */
  readonly settled: number;
  /** The last number that was taken when the relay checked. */
  readonly last: number;
  /** All changes beyond `after`, up to `settled`, as JSON; undefined if they are too many or too large. */
  readonly changes: string | undefined;
}

/** Parses the payload of a notification; see the function `intendant.announce`. */
export function readAnnouncement(payload: string): Announcement {
  const end = payload.indexOf('\n');
  const [logId = '', after, settled, last, timeline = ''] = (end < 0 ? payload : payload.slice(0, end)).split(' ');
  return {
    logId,
    timeline,
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
  traceparent?: string | null,
];

export const readEntries = (changes: string): LogEntry[] =>
  (JSON.parse(changes) as AnnouncedChange[]).map(
    ([sequence, tableName, operation, key, orgId, instanceId, revision, record, occurredAtMs, traceparent]) => ({
      sequence,
      tableName,
      operation,
      key,
      orgId,
      instanceId,
      revision,
      record,
      occurredAt: new Date(occurredAtMs),
      traceparent: traceparent ?? null,
    }),
  );
