import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const MEGABYTE = 1_000_000;

/** Megabytes still in use after a garbage collection: heap, and buffers outside it. */
export function megabytesInUse(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / MEGABYTE;
}

export const megabytesResident = (): number => process.memoryUsage.rss() / MEGABYTE;

/** Node exposes the garbage collector only with a flag, which can be set at run time. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
}
