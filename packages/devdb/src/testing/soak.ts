/** True under `npm run soak`, which runs the tests at full size. */
export const isSoak = process.env['INTENDANT_SOAK'] === '1';

/** Returns a size (rounds, rows or milliseconds): `quick` under `npm test`, `full` under `npm run soak`. */
export const atScale = (quick: number, full: number): number => (isSoak ? full : quick);
