import type { AnyTable } from '@intendant/core';
import type { RealizationSession, StatusTransition } from '@intendant/realization';
import { Command } from 'commander';
import type { Workspace } from '../database/workspace.ts';
import type { Printer } from '../output/printer.ts';
import { ago } from '../output/relative-time.ts';
import { paintStatus } from '../output/status-style.ts';
import { readCount } from '../resource/duration.ts';
import { realizedTable } from '../resource/find-table.ts';
import { type Key, ownerOf, readKey } from '../resource/key.ts';
import { resolveKey } from '../resource/selection.ts';
import type { Cli } from '../run/cli.ts';

interface HistoryFlags {
  readonly point?: string;
  readonly limit: number;
}

const EXAMPLES = `
Examples:
  intendant history vm VM1
  intendant history vm VM1 --point E1 --limit 20
  intendant history rule '{"id":"R1","orgId":"acme"}' --json`;

const PAGE_SIZE = 1000;

export const historyCommand = (cli: Cli): Command =>
  new Command('history')
    .description('show the past statuses of a resource, newest first')
    .argument('<table>')
    .argument('<key>')
    .option('--point <id>', 'only at this enforcement point')
    .option('--limit <count>', 'at most this many', readCount, 100)
    .addHelpText('after', EXAMPLES)
    .action(async (tableName: string, key: string, { point, limit }: HistoryFlags, command: Command) => {
      const printer = cli.printer(command);
      await using workspace = await cli.workspace(command);
      const table = await realizedTable(workspace, tableName);
      const found = await readHistories(workspace, table, readKey(table, key), point, limit + 1);
      const transitions = found.slice(0, limit);
      if (transitions.length === 0) cli.nothingFound();
      printer.result(transitions, () => {
        if (transitions.length === 0) return printer.note(`intendant: there is no history of ${tableName} ${key}`);
        printHistory(printer, transitions);
      });
      if (transitions.length < found.length) printer.note(`More match; raise --limit (${limit}) to see them.`);
    });

/** With the org and the instance of the resource, because several tenants may have the same key. */
type OwnedTransition = StatusTransition & ReturnType<typeof ownerOf>;

function printHistory(printer: Printer, transitions: readonly OwnedTransition[]): void {
  const hasSeveralOwners = new Set(transitions.map(ownerText)).size > 1;
  printer.table(
    [
      { title: 'time', value: ({ occurredAt }) => occurredAt.toISOString().slice(0, 19) },
      // Not both: the longest status and an owner must fit into 80 characters.
      { title: 'ago', value: ({ occurredAt }) => (hasSeveralOwners ? '' : ago(occurredAt)), align: 'right' },
      { title: 'of', value: (one) => (hasSeveralOwners ? ownerText(one) : ''), minWidth: 4, isName: true },
      { title: 'point', value: ({ enforcementPoint }) => enforcementPoint, minWidth: 4, isName: true },
      {
        title: 'status',
        value: ({ status }) => status,
        paint: (text, { status }) => paintStatus(printer, status, text),
      },
      { title: 'rev', value: ({ revision }) => revision, align: 'right' },
      { title: 'attempt', value: ({ attempt }) => attempt, align: 'right' },
      { title: 'message', value: ({ message }) => message, minWidth: 8 },
    ] satisfies Parameters<typeof printer.table<OwnedTransition>>[0],
    transitions,
  );
}

const ownerText = ({ orgId, instanceId }: OwnedTransition): string => [orgId, instanceId].filter(Boolean).join('/');

/** The newest transitions of all visible resources with this key. A purged resource has no row, but still a history. */
async function readHistories(
  workspace: Workspace,
  table: AnyTable,
  key: Key,
  point: string | undefined,
  limit: number,
): Promise<OwnedTransition[]> {
  const session = await workspace.session();
  const found = await resolveKey(workspace, table, key);
  const histories = (found.length > 0 ? found : [key]).map(async (one) => {
    const { orgId, instanceId } = ownerOf(one);
    const owner = { ...(orgId !== undefined && { orgId }), ...(instanceId !== undefined && { instanceId }) };
    return (await readHistory(session, table, one, point, limit)).map((transition) => ({ ...owner, ...transition }));
  });
  return (await Promise.all(histories)).flat().toSorted((a, b) => b.seq - a.seq);
}

/** The newest `limit` transitions, newest first, read in pages. */
async function readHistory(
  session: RealizationSession,
  table: AnyTable,
  key: unknown,
  point: string | undefined,
  limit: number,
): Promise<StatusTransition[]> {
  const found: StatusTransition[] = [];
  while (found.length < limit) {
    const before = found.at(-1)?.seq;
    const size = Math.min(PAGE_SIZE, limit - found.length);
    const page = await session.history(table, key as never, {
      limit: size,
      ...(before !== undefined && { before }),
      ...(point !== undefined && { enforcementPoint: point }),
    });
    found.push(...page);
    if (page.length < size) break;
  }
  return found;
}
