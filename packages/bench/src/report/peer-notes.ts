/** How each peer is set up, and why that is fair. */
export const PEER_NOTES = `## How the peers are set up

All work on the same server (fsync on, \`wal_level = logical\`, so that replication can take part), with 32 connections at most, on the same rows
and the same primary key, and return the whole record. Sizes, tenants and keys are drawn alike. Each runs in a process of its own, and one that
does something by itself (looks for jobs, listens, replicates) runs only while its own scenario does. Files: \`packages/bench/src/peers\`.

Tenants' records:

- **pg, no row security** (\`raw-pg\`): the lower bound. One prepared statement a call (pg's own advice for statements that repeat), a table without
  policies and without the revision trigger; the org stands in each \`where\`, and nothing else keeps tenants apart.
- **pg, BEGIN/set_config/…/COMMIT** (\`pattern-pg\`): row security as most guides write it by hand, on our table with our policies; the settings and the
  statement are prepared. Many rows go in by \`unnest\`, in both.
- **Drizzle** (\`drizzle\`): its row security recipe, a transaction whose first statement sets role and claims; the node-postgres driver; the statements
  prepared by name with placeholders, as its page on query performance advises.
- **Kysely** (\`kysely\`): a transaction whose first statement sets role and org; the Postgres dialect on pg. Kysely names no statements.
- **Prisma 7** (\`prisma\`): the client without engine on \`@prisma/adapter-pg\`, with the row security client extension of its own examples: each query in a
  batch transaction behind set_config. The extended client of an org is made once and kept. \`updateManyAndReturn\` for the update at a revision. It is
  installed when a run first needs it, from npm alone; where that is impossible its rows are missing here.
- Ours makes a new session for every call, checks every record against its schema, and reads its answers into records with dates and numbers; what raw pg
  leaves out of that is part of its head start.

Realization:

- **pg-boss** (\`pg-boss\`): bare jobs that do nothing, one \`send\` a job from 32 callers, policy \`stately\` with a key a job, fetched and completed in batches of
  500 by a loop that never sleeps, since its own \`work\` pauses between batches. It keeps no resource and no status: what it does is a part of what ours
  does. Beside ours with the feed its queue has \`notify\` on, since both then tell somebody of each change. For latency it is its own \`work\` with
  \`useListenNotify\` and \`notify\`, on a queue at rest.
- **graphile-worker** (\`graphile-worker\`): local queue and batched completion as its page on performance advises (for latency neither, since they trade latency
  for throughput); the job is added in the intent's transaction, and the task keeps the same statuses by hand, the overall row locked first, in prepared
  statements, without row security.
- Nobody who waits for a status exists with either, so their handlers end by a NOTIFY, and \`realize-latency.realized\` times that.
- **One lock a mark** (\`hot-resource\`): ours too, by \`markSuccess\` from 32 callers; against sets of 500 as a worker writes them.

Feed:

- **LISTEN/NOTIFY** (\`listen-notify\`): a row trigger that calls \`pg_notify\`, one listening connection a process. Nothing is kept for who was away, and nothing
  waits to be settled.
- **Logical replication** (\`logical-replication\`): pgoutput on \`pg-logical-replication\`, one slot, its defaults. The slot is there in its own turns alone: its
  sender decodes whatever anybody writes.
- Latencies include the insert: the answer to it may come after the change was told.

Others:

- **The same bytes in a core table** (\`protostore\`): what protostore adds to core.
- **TypeORM** is only weighed (\`install\`).`;
