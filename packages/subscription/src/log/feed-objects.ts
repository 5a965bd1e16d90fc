import type { FrameworkObjects, RegisteredTable } from '@intendant/core/internal';
import { NODE_SEQUENCES, NODE_TABLES } from '../replication/nodes/node-schema.ts';
import { appendFunction, truncateFunction } from './names.ts';
import type { SourceKind } from './source-kind.ts';

/** Callers read changes of their own rows, and of rows that belong to no org or instance. */
const CHANGES = { org: 'nullable', instance: 'nullable' } as const;
/** The beginning of the log; the same for every caller. */
const IDENTITY = { org: 'absent', instance: 'absent' } as const;

/** The feed's objects in the database and their rights: the service role uses all of them; callers read their own rows. */
export const feedObjects = (
  tables: readonly RegisteredTable[],
  source: SourceKind,
  isDistributed: boolean,
): FrameworkObjects => ({
  tables: [
    { name: 'change_log', service: ['select'], callers: CHANGES },
    { name: 'change_log_identity', service: ['select'], callers: IDENTITY },
    { name: 'change_log_partition', service: [] },
    { name: 'log_timeline', service: ['select'] },
    { name: 'announcement', service: ['select'] },
    { name: 'relay_leader', service: ['select', 'update'] },
    { name: 'durable_subscription' },
    { name: 'cursor' },
    { name: 'cursor_member' },
    { name: 'acknowledged' },
    { name: 'dead_letter' },
    ...(source === 'replication' ? [{ name: 'replicated_table', service: ['select'] }] : []),
    ...(isDistributed ? NODE_TABLES : []),
  ],
  sequences: {
    change_seq: { service: ['select'] },
    doorbell: { service: ['update'] },
    unflushed: { service: ['select'] },
    member_seq: { service: ['usage'] },
    slot_epoch_seq: { service: ['usage'] },
    ...(isDistributed ? NODE_SEQUENCES : {}),
  },
  functions: {
    'intendant.keep_change_log(interval, bigint)': ['service'],
    'intendant.announce(text, text, bigint, bigint, bigint, boolean)': ['service'],
    'intendant.check_log(text, text, bigint, boolean, boolean, boolean)': ['service'],
    'intendant.look(text, text, bigint, boolean)': ['service'],
    'intendant.begin_timeline(bigint)': ['service'],
    'intendant.ring(bigint)': [],
    'intendant.ring_unflushed()': [],
    ...Object.fromEntries(
      tables
        .filter(({ definition }) => definition.feed)
        .flatMap((table) => [
          ...(source === 'triggers' ? [[`${appendFunction(table)}()`, []]] : []),
          [`${truncateFunction(table)}()`, []],
        ]),
    ),
  },
});
