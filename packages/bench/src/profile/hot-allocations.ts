import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CallFrame, isLoading, placeOf } from './call-frame.ts';

/** The format of --heap-prof: a tree of functions with their live allocations. */
interface HeapNode {
  readonly callFrame: CallFrame;
  readonly selfSize: number;
  readonly children: readonly HeapNode[];
}

const LISTED = 12;

/** The functions with the most live allocations at the end, over all heap profiles of a folder. */
export async function hotAllocations(folder: string): Promise<string> {
  const bytes = new Map<string, number>();
  for (const file of (await readdir(folder)).filter((name) => name.endsWith('.heapprofile')))
    addSizes((JSON.parse(await readFile(join(folder, file), 'utf8')) as { head: HeapNode }).head, bytes);
  const lines = [...bytes]
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, LISTED)
    .map(([place, size]) => `${(size / 1_000).toFixed(0).padStart(7)} kB  ${place}`);
  return ['Memory alive at the end, by the function that allocated it:', ...lines].join('\n');
}

function addSizes({ callFrame, selfSize, children }: HeapNode, bytes: Map<string, number>): void {
  if (isLoading(callFrame)) return;
  const place = placeOf(callFrame);
  if (selfSize > 0) bytes.set(place, (bytes.get(place) ?? 0) + selfSize);
  for (const child of children) addSizes(child, bytes);
}
