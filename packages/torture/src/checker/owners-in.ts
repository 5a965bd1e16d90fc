/**
 * The owners whose marks a text contains. Every value contains its owner's mark: `~o1~`, or `~o1i0~` where instances
 * are separated.
 */
export const ownersIn = (text: string): string[] => [
  ...new Set([...text.matchAll(/~(o\d+(?:i\d+)?)~/g)].map(([, owner]) => owner as string)),
];

/** Whether a caller with the marks `viewer` may see a value with the mark `owner`: an instance also sees the values of its org. */
export const maySee = (viewer: string | undefined, owner: string): boolean =>
  viewer === owner || viewer?.startsWith(`${owner}i`) === true;
