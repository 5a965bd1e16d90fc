import type { AnyTable } from '@intendant/core';
import type { ListedResource, PointDetail, RealizationSession, ResourceDetail } from '@intendant/realization';
import { printable } from '../../output/printable.ts';
import type { Printer } from '../../output/printer.ts';
import { ago } from '../../output/relative-time.ts';
import { paintStatus } from '../../output/status-style.ts';
import { keyText, ownerOf } from '../../resource/key.ts';

/** Prints the statuses of the resources with one key: usually one resource, or one for each org that has the key. */
export async function printResources(
  printer: Printer,
  session: RealizationSession,
  table: AnyTable,
  found: readonly ListedResource<AnyTable>[],
): Promise<void> {
  const details: ResourceDetail<AnyTable>[] = [];
  for (const { key } of found) details.push(await session.detail(table, key as never));
  printer.result(details, () => {
    for (const [index, detail] of details.entries()) {
      if (index > 0) printer.line();
      printDetail(printer, table, detail);
    }
  });
}

function printDetail(printer: Printer, table: AnyTable, { key, overall, points }: ResourceDetail<AnyTable>): void {
  const { orgId, instanceId } = ownerOf(key);
  const owner = [orgId, instanceId].filter(Boolean).join('/');
  const name = printable(`${table.name} ${keyText(table, key)}`);
  printer.line(`${printer.paint('bold', name)}${owner && printable(` of ${owner}`)}, revision ${overall.revision}`);
  printer.line(`${paintStatus(printer, overall.status, overall.status)} for ${ago(overall.updatedAt)}`);
  if (points.length === 0) {
    printer.line('It is placed at no enforcement point.');
    return;
  }
  printer.table(
    [
      { title: 'point', value: ({ enforcementPoint }) => enforcementPoint, minWidth: 6, isName: true },
      {
        title: 'status',
        value: ({ status }) => status,
        paint: (text, { status }) => paintStatus(printer, status, text),
      },
      { title: 'rev', value: ({ revision }) => revision, align: 'right' },
      { title: 'attempt', value: ({ attempt }) => attempt, align: 'right' },
      { title: 'since', value: ({ since }) => ago(since), align: 'right' },
      { title: 'next try', value: nextTry, align: 'right' },
      { title: 'note', value: ({ pointState }) => (pointState === 'stale' ? 'no worker' : ''), minWidth: 8 },
    ] satisfies Parameters<typeof printer.table<PointDetail>>[0],
    points,
  );
  for (const { enforcementPoint, error } of points) {
    if (error) printer.paragraph(`${printer.paint('bold', printable(enforcementPoint))}: ${printable(error)}`, '  ');
  }
}

function nextTry({ job, nextAttemptAt }: PointDetail): string {
  if (job === 'running') return 'running';
  if (job === 'failed') return 'given up';
  if (nextAttemptAt === null) return '';
  const inMs = nextAttemptAt.getTime() - Date.now();
  return inMs <= 0 ? 'due' : `in ${ago(new Date(Date.now() - inMs))}`;
}
