/** True under `npm run soak`, which repeats at full size what `npm test` shows in a few seconds. */
export const isSoak = process.env['INTENDANT_SOAK'] === '1';

/** How many rounds, rows or milliseconds: few in every test run, as many as a claim names in a soak. */
export const atScale = (quick: number, full: number): number => (isSoak ? full : quick);
