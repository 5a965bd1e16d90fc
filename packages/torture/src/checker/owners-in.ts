/** The owners whose marks stand in a text: every value carries its owner's, `~o1~`, or `~o1i0~` where instances are kept apart. */
export const ownersIn = (text: string): string[] => [
  ...new Set([...text.matchAll(/~(o\d+(?:i\d+)?)~/g)].map(([, owner]) => owner as string)),
];

/** True if somebody whose marks are `viewer` may see a value with the mark `owner`: an instance sees what its org has in common. */
export const maySee = (viewer: string | undefined, owner: string): boolean =>
  viewer === owner || viewer?.startsWith(`${owner}i`) === true;
