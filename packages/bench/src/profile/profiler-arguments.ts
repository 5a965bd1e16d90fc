/** Returns Node's arguments that make a process of ours write its profiles to the folder when it ends. Peers are not profiled. */
export function profilerArguments(peer: string, folder: string | undefined): string[] {
  if (folder === undefined || !(peer === 'intendant' || peer.startsWith('intendant-'))) return [];
  return ['--cpu-prof', `--cpu-prof-dir=${folder}`, '--heap-prof', `--heap-prof-dir=${folder}`];
}
