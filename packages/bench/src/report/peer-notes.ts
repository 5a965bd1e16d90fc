/** How each peer is configured, and why that is fair. */
export const PEER_NOTES = `## How the peers are set up

All work on the same server (fsync on, \`wal_level = logical\`, so that replication can take part), with 32 connections at most, on the same rows
and the same primary key, and return the whole record. Sizes, tenants and keys are chosen in the same way. Each peer runs in a process of its own. A peer that
does something in the background (polls for jobs, listens, replicates) runs only during its own scenario. Files: \`packages/bench/src/peers\`.

Tenants' records:

- **pg, no row security** (\`raw-pg\`): the lower bound. One prepared statement a call (pg's own advice for statements that repeat), a table without
  policies and without the revision trigger; the org is in each \`where\`, and nothing else separates tenants.
- **pg, BEGIN/set_config/…/COMMIT** (\`pattern-pg\`): row security as most guides write it by hand, on our table with our policies; the settings and the
  statement are prepared. Both insert many rows by \`unnest\`.
- **Drizzle** (\`drizzle\`): its row security recipe, a transaction whose first statement sets role and claims; the node-postgres driver; the statements
  prepared by name with placeholders, as its page on query performance advises.
- **Kysely** (\`kysely\`): a transaction whose first statement sets role and org; the Postgres dialect on pg. Kysely names no statements.
- **Prisma 7** (\`prisma\`): the client without engine on \`@prisma/adapter-pg\`, with the row security client extension of its own examples: each query in a
  batch transaction behind set_config. The extended client of an org is made once and kept. \`updateManyAndReturn\` for the update at a revision. It is
  installed when a run first needs it, from npm alone; where that is impossible its rows are missing here.
- Ours makes a new session for every call, checks every record against its schema, and converts results into records with dates and numbers. Raw pg
  does not do this, which is part of its advantage.

Realization:

- **pg-boss** (\`pg-boss\`): jobs that do nothing, one \`send\` per job from 32 callers, policy \`stately\` with a key per job. A loop fetches and completes
  them in batches of 500 and does not sleep while there are jobs, because pg-boss's own \`work\` sleeps between batches. It stores no resource and no status,
  so it does only a part of what ours does. In comparisons with our feed its queue has \`notify\` on, because then both announce each change. Latency is
  measured with its own \`work\`, with \`useListenNotify\` and \`notify\`, on an idle queue.
- **pg-boss with two status tables** (\`by-hand\`): what a careful user builds on pg-boss's public API. One transaction locks the overall row, writes the
  resource and both statuses, and inserts the job (\`insert\` with \`db\`), each statement prepared. The worker fetches batches of 500. It marks each batch
  IN_PROGRESS and reads the resources in one transaction; it marks them REALIZED and completes the jobs in a second one. It uses no row security, no
  status history and no feed, which makes it faster than a peer that does the same work as ours.
- **graphile-worker** (\`graphile-worker\`): local queue and batched completion with the settings from its performance page (for latency neither, because
  they trade latency for throughput). The job is added in the intent's transaction. The task keeps the same status tables as \`by-hand\`. Its marks are
  written in batches as well: the marks of tasks that run at the same time are collected while an earlier batch is written, as
  \`completeJobBatchDelay: 0\` does with completed jobs.
- **A transaction per step** (\`pattern-flow\`): intent, PENDING and REALIZED with pg, on tables with row security by org. Each step is one transaction: BEGIN,
  set_config, the lock on the overall row, the writes, COMMIT. Each statement is prepared and takes one round trip. There is no job, so ours names no
  enforcement point in its intent and stores no job either; both run without a feed.
- **Scoped upserts and updates** (\`intents-32.vs-upsert\`, \`mark.vs-update\`): our own \`store.as(context)\` on a table with the same columns and with the feed
  on, but without statuses. They show what an intent or a mark costs beyond a write of one row.
- Peers have no status that somebody can wait for. Their handlers therefore end with a NOTIFY, and \`realize-latency.realized\` measures the time until it
  arrives.
- **One lock per mark** (\`hot-resource\`): our own \`markSuccess\` from 32 callers, compared with sets of 500 marks as a worker writes them.

Feed:

- **LISTEN/NOTIFY** (\`listen-notify\`): a row trigger that calls \`pg_notify\`, one listening connection a process. Nothing is stored for a subscriber that is not connected, and
  changes are sent in the order of commits, without a check that earlier ones are complete.
- **Logical replication** (\`logical-replication\`): pgoutput on \`pg-logical-replication\`, one slot, its defaults. The slot exists only during its own turns, because its
  sender decodes the writes of all clients.
- Latencies include the insert, because its result may arrive after the change.

Others:

- **The same bytes in a core table** (\`protostore\`): what protostore adds to core.
- **TypeORM** is measured only by its size (\`install\`).`;
