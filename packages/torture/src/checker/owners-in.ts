/** The owners whose marks stand in a text: every value of a run carries its owner's, `~org~`. */
export const ownersIn = (text: string): string[] => [
  ...new Set([...text.matchAll(/~(o\d+)~/g)].map(([, org]) => org as string)),
];
