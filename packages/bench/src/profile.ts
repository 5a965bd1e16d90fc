import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What V8 writes with --cpu-prof. https://chromedevtools.github.io/devtools-protocol/tot/Profiler/#type-Profile */
interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { functionName: string; url: string; lineNumber: number };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const LISTED = 30;

/** The functions with the most time of their own, over all CPU profiles of a folder. */
export async function hotSpots(folder: string): Promise<string> {
  const selfMicros = new Map<string, number>();
  const files = (await readdir(folder)).filter((name) => name.endsWith('.cpuprofile'));
  for (const file of files)
    addSelfTimes(JSON.parse(await readFile(join(folder, file), 'utf8')) as CpuProfile, selfMicros);
  const total = [...selfMicros.values()].reduce((sum, micros) => sum + micros, 0);
  const lines = [...selfMicros]
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, LISTED)
    .map(([place, micros]) => `${((micros * 100) / total).toFixed(1).padStart(5)} %  ${place}`);
  return ['', `Profiles: ${folder}`, 'Busy time by function, our processes:', ...lines].join('\n');
}

function addSelfTimes({ nodes, samples, timeDeltas }: CpuProfile, selfMicros: Map<string, number>): void {
  const places = new Map(nodes.map(({ id, callFrame }) => [id, placeOf(callFrame)]));
  samples.forEach((id, index) => {
    const place = places.get(id) ?? 'unknown';
    if (place.startsWith('(idle)') || place.startsWith('(program)')) return;
    selfMicros.set(place, (selfMicros.get(place) ?? 0) + (timeDeltas[index] ?? 0));
  });
}

function placeOf({ functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame']): string {
  const file = url.replace(/^.*\/node_modules\//, '').replace(/^.*\/packages\//, '');
  return `${functionName || 'anonymous'}${file && ` ${file}:${lineNumber + 1}`}`;
}
