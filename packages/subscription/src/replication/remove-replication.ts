import type pg from 'pg';
import { onNode } from './nodes/node.ts';
import { readStoredNodes } from './nodes/stored-nodes.ts';
import { PUBLICATION } from './replicated-table.ts';
import { dropSlot } from './slot.ts';

/**
 * Drops the publication and the slots of a feed that is no longer used, on each node that the log was filled from. Must run
 * before the schema `intendant` is dropped. Does nothing for a feed that triggers fill.
 */
export async function removeReplication(client: pg.ClientBase, connection: pg.ClientConfig): Promise<void> {
  const { rows } = await client.query<{ isReplicated: boolean; hasNodes: boolean }>(
    `select to_regclass('intendant.replicated_table') is not null as "isReplicated",
       to_regclass('intendant.feed_node') is not null as "hasNodes"`,
  );
  if (!rows[0]?.isReplicated) return;
  const nodes = rows[0].hasNodes ? await readStoredNodes(client) : [];
  await client.query(`drop publication if exists ${PUBLICATION}`);
  await dropSlot(client);
  for (const node of nodes) await onNode(node, connection, dropSlot);
}
