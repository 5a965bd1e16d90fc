import type { AnyTable } from '@intendant/core';
import type { ListedResource, StatusRecord } from '@intendant/realization';
import { printable } from '../../output/printable.ts';
import type { Printer } from '../../output/printer.ts';
import { ago } from '../../output/relative-time.ts';
import { paintStatus } from '../../output/status-style.ts';
import { keyText, ownerOf } from '../../resource/key.ts';

/** Prints what is known of the resources of one key: usually one, or one for each org that has it. */
export function printResources(printer: Printer, table: AnyTable, found: readonly ListedResource<AnyTable>[]): void {
  printer.result(found, () => {
    for (const [index, resource] of found.entries()) {
      if (index > 0) printer.line();
      printResource(printer, table, resource);
    }
  });
}

function printResource(printer: Printer, table: AnyTable, resource: ListedResource<AnyTable>): void {
  const { key, overall, enforcement } = resource;
  const { orgId, instanceId } = ownerOf(key);
  const owner = [orgId, instanceId].filter(Boolean).join('/');
  const name = printable(`${table.name} ${keyText(table, key)}`);
  printer.line(`${printer.paint('bold', name)}${owner && printable(` of ${owner}`)}, revision ${overall.revision}`);
  printer.line(`${paintStatus(printer, overall.status, overall.status)} for ${ago(overall.updatedAt)}`);
  if (enforcement.size === 0) {
    printer.line('It is placed at no enforcement point.');
    return;
  }
  printer.table(
    [
      { title: 'point', value: ([point]) => point, minWidth: 6 },
      {
        title: 'status',
        value: ([, { status }]) => status,
        paint: (text, [, { status }]) => paintStatus(printer, status, text),
      },
      { title: 'rev', value: ([, { revision }]) => revision, align: 'right' },
      { title: 'since', value: ([, { updatedAt }]) => ago(updatedAt), align: 'right' },
    ] satisfies Parameters<typeof printer.table<[string, StatusRecord]>>[0],
    [...enforcement],
  );
  for (const [point, { additionalDetails }] of enforcement) {
    if (additionalDetails) printer.line(`${printer.paint('bold', printable(point))}: ${printable(additionalDetails)}`);
  }
}
