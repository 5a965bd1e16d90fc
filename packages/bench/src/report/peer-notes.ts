/** How each peer is set up, and why that is fair. */
export const PEER_NOTES = `## How the peers are set up

All work on the same server, with 32 connections at most, on the same rows and the same primary key, and return the whole record.
Sizes, tenants and keys are drawn alike. Files: \`packages/bench/src/peers\`.

- **pg, no row security** (\`raw-pg\`): the lower bound. One prepared statement a call (pg's own advice for statements that repeat), a table without
  policies and without the revision trigger; the org stands in each \`where\`, and nothing else keeps tenants apart.
- **pg, BEGIN/set_config/…/COMMIT** (\`pattern-pg\`): row security as most guides write it by hand, on our table with our policies; the settings and the
  statement are prepared.
- **Drizzle** (\`drizzle\`): its row security recipe, a transaction whose first statement sets role and claims; the node-postgres driver. Its prepared
  queries cannot be kept across pooled transactions, so it uses the ordinary builder, as the recipe does.
- **Kysely** (\`kysely\`): a transaction whose first statement sets role and org; the Postgres dialect on pg. Kysely names no statements.
- **Prisma 7** (\`prisma\`): the client without engine on \`@prisma/adapter-pg\`, with the row security client extension of its own examples: each query in a
  batch transaction behind set_config. The extended client of an org is made once and kept. \`updateManyAndReturn\` for the update at a revision.
- **pg-boss** (\`pg-boss\`): bare jobs that do nothing, one \`send\` a job from 32 callers, policy \`stately\` with a key a job, fetched and completed in batches of
  500 by a loop that never sleeps, since its own \`work\` pauses between batches. It keeps no status: what it does is a part of what ours does.
- **graphile-worker** (\`graphile-worker\`): local queue and batched completion as its page on performance advises; the job is added in the intent's transaction, and the
  task keeps the same statuses by hand, the overall row locked first, in prepared statements, without row security.
- **LISTEN/NOTIFY** (\`listen-notify\`): a row trigger that calls \`pg_notify\`, one listener. Nothing is kept for who was away, and nothing waits to be settled.
- **TypeORM** is only weighed (\`install\`).

Ours makes a new session for every call, checks every record against its schema, and reads its answers into records with dates and numbers.`;
