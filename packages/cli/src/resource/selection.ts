import type { AnyTable } from '@intendant/core';
import { type RealizationSession, type ResourceFilter, STATUSES, type Status } from '@intendant/realization';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Workspace } from '../database/workspace.ts';
import { wrongUse } from '../run/command-error.ts';
import { readDuration } from './duration.ts';
import { type Key, readField, readKey } from './key.ts';

/** The flags that select resources. */
export interface SelectionFlags {
  readonly status?: readonly Status[];
  readonly point?: string;
  readonly older?: number;
  readonly where?: readonly string[];
}

const collect = (text: string, before: readonly string[] = []): readonly string[] => [...before, text];

function readStatuses(text: string, before: readonly Status[] = []): readonly Status[] {
  const named = text.split(',').map((one) => one.trim().toUpperCase().replaceAll('-', '_'));
  const unknown = named.find((one) => !STATUSES.includes(one as Status));
  if (unknown !== undefined)
    throw new InvalidArgumentError(`There is no status ${unknown}; choose from ${STATUSES.join(', ')}.`);
  return [...before, ...(named as Status[])];
}

/** Adds the flags that select resources. */
export const withSelection = (command: Command): Command =>
  command
    .addOption(
      new Option('--status <status>', 'with this overall status, or status at --point; several: ERROR,PENDING')
        .choices(STATUSES)
        .argParser(readStatuses), // after choices(), which sets a parser for one status
    )
    .option('--point <id>', 'at this enforcement point')
    .option('--older <duration>', 'in that status for longer than this: 30s, 10m, 2h, 7d', readDuration)
    .option('--where <field=value>', 'whose record has this value; may be repeated', collect);

/** The flags as a filter. `org` narrows it where the session is not held to one. */
export function filterOf(table: AnyTable, { status, point, older, where }: SelectionFlags): ResourceFilter<AnyTable> {
  return {
    ...(status !== undefined && { status }),
    ...(point !== undefined && { enforcementPoint: point }),
    ...(older !== undefined && { olderThanMs: older }),
    ...(where !== undefined && { where: Object.fromEntries(where.map((one) => readCondition(table, one))) as never }),
  };
}

function readCondition(table: AnyTable, text: string): [string, unknown] {
  const [field = '', ...rest] = text.split('=');
  if (rest.length === 0) throw wrongUse(`--where ${JSON.stringify(text)} has no value; give field=value`);
  return [field, readField(table, field, rest.join('='))];
}

const isEmptySelection = (flags: SelectionFlags): boolean =>
  flags.status === undefined && flags.point === undefined && flags.older === undefined && flags.where === undefined;

/** What a command acts on: the given keys, else everything that matches the filter. */
export type Selected = { readonly keys: readonly Key[] } | { readonly filter: ResourceFilter<AnyTable> };

/**
 * The keys that the arguments name, each with its org, or the filter of the flags. Where the caller sees all orgs, a key
 * without an org means that key in every org.
 */
export async function select(
  workspace: Workspace,
  table: AnyTable,
  keys: readonly string[],
  flags: SelectionFlags,
): Promise<Selected> {
  if (keys.length > 0 && !isEmptySelection(flags)) throw wrongUse('give keys or a filter, not both');
  if (keys.length === 0 && isEmptySelection(flags))
    throw wrongUse('say which: give keys, or a filter such as --status ERROR --point E1');
  if (keys.length === 0) return { filter: filterOf(table, flags) };
  const found = await Promise.all(keys.map((text) => resolveKey(workspace, table, readKey(table, text))));
  return { keys: found.flat() };
}

/** The resources of this key that the caller sees, as keys that name their org and instance. */
export async function resolveKey(workspace: Workspace, table: AnyTable, key: Key): Promise<Key[]> {
  const session = await workspace.session();
  const found = await session.list(table, { where: key as never });
  return found.map(({ key: found }) => found as Key);
}

/** How many resources are selected. */
export const countSelected = async (
  session: RealizationSession,
  table: AnyTable,
  selected: Selected,
): Promise<number> => ('keys' in selected ? selected.keys.length : session.count(table, selected.filter));
