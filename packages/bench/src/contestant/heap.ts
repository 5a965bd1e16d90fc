import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const MEGABYTE = 1_000_000;

/** Megabytes that are still in use after garbage is collected: heap, and buffers outside it. */
export function megabytesInUse(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / MEGABYTE;
}

export const megabytesResident = (): number => process.memoryUsage.rss() / MEGABYTE;

/** Node hands the collector out only when asked, which can be done late. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
}
