import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CallFrame, isLoading, placeOf, sourceOf } from './call-frame.ts';

/** The format of --cpu-prof. https://chromedevtools.github.io/devtools-protocol/tot/Profiler/#type-Profile */
interface CpuProfile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: CallFrame; readonly children?: number[] }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** Time spent, in microseconds, by label. */
type Times = Map<string, number>;

const LISTED = 25;
const NOT_BUSY = new Set(['(idle)', '(program)', '(root)']);

/** The functions and the packages with the most self time, over all CPU profiles of a folder, without module loading. */
export async function hotFunctions(folder: string): Promise<string> {
  const [bySource, byFunction]: [Times, Times] = [new Map(), new Map()];
  for (const file of (await readdir(folder)).filter((name) => name.endsWith('.cpuprofile')))
    addSelfTimes(JSON.parse(await readFile(join(folder, file), 'utf8')) as CpuProfile, bySource, byFunction);
  return [
    'CPU of our processes at work, by package:',
    ...shares(bySource),
    '',
    'by function (writeBuffer is the write to the socket):',
    ...shares(byFunction),
  ].join('\n');
}

function addSelfTimes({ nodes, samples, timeDeltas }: CpuProfile, bySource: Times, byFunction: Times): void {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const loading = loadingNodes(nodes);
  samples.forEach((id, index) => {
    const frame = frames.get(id);
    if (frame === undefined || NOT_BUSY.has(frame.functionName) || loading.has(id)) return;
    const micros = timeDeltas[index] ?? 0;
    bySource.set(sourceOf(frame), (bySource.get(sourceOf(frame)) ?? 0) + micros);
    byFunction.set(placeOf(frame), (byFunction.get(placeOf(frame)) ?? 0) + micros);
  });
}

/** All that runs below Node's loader, which strips the types from our sources. */
function loadingNodes(nodes: CpuProfile['nodes']): Set<number> {
  const children = new Map(nodes.map(({ id, children: ids }) => [id, ids ?? []]));
  const loading = new Set<number>();
  const add = (id: number): void => {
    if (loading.has(id)) return;
    loading.add(id);
    for (const child of children.get(id) ?? []) add(child);
  };
  for (const { id, callFrame } of nodes) if (isLoading(callFrame)) add(id);
  return loading;
}

function shares(times: Times): string[] {
  const total = [...times.values()].reduce((sum, micros) => sum + micros, 0);
  return [...times]
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, LISTED)
    .map(([label, micros]) => `${((micros * 100) / total).toFixed(1).padStart(5)} %  ${label}`);
}
