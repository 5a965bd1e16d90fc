import type { Result, Results } from './result.ts';
import { median, relativeSpread } from './statistics.ts';

/** Runs the work once and returns the measured value. */
export type Measure = () => Promise<number>;

export interface Entrant {
  /** The last part of the result's name, e.g. `vs-raw`. */
  readonly name: string;
  /** The name shown in reports. */
  readonly peerName: string;
  readonly measure: Measure;
  readonly note?: string;
  /** Whether it is installed on demand. It is left out if that is impossible. */
  readonly isHeavy?: boolean;
}

export interface Contest {
  /** The first part of the results' names. */
  readonly name: string;
  readonly unit: string;
  readonly better: 'higher' | 'lower';
  readonly rounds: number;
  readonly ours: Measure;
  readonly peers: readonly Entrant[];
  readonly note?: string;
}

/**
 * Measures ours and each peer in turn (A B C A B C) and computes the ratio within each round, so that a slowdown of the
 * machine that affects a whole round has no effect on the ratio. The first turn of each is a warm-up and does not
 * count.
 */
export async function alternate(contest: Contest): Promise<Results> {
  const measures = [contest.ours, ...contest.peers.map(({ measure }) => measure)];
  for (const measure of measures) await measure();
  const rounds: number[][] = [];
  for (let round = 0; round < contest.rounds; round++) {
    const figures: number[] = [];
    for (const measure of measures) figures.push(await measure());
    rounds.push(figures);
  }
  return Object.fromEntries(
    contest.peers.map((peer, index) => {
      const ours = rounds.map((figures) => figures[0] as number);
      const theirs = rounds.map((figures) => figures[index + 1] as number);
      return [`${contest.name}.${peer.name}`, compare(contest, peer, ours, theirs)];
    }),
  );
}

function compare(contest: Contest, peer: Entrant, ours: readonly number[], theirs: readonly number[]): Result {
  const ratios = ours.map((figure, round) => ratioOf(figure, theirs[round] as number, contest.better));
  const note = [contest.note, peer.note].filter((text) => text !== undefined).join(' ');
  return {
    ours: median(ours),
    peer: median(theirs),
    unit: contest.unit,
    ratio: median(ratios),
    spread: relativeSpread(ratios),
    better: contest.better,
    peerName: peer.peerName,
    ...(note && { note }),
  };
}

const ratioOf = (ours: number, peer: number, better: 'higher' | 'lower'): number =>
  better === 'higher' ? ours / peer : peer / ours;
