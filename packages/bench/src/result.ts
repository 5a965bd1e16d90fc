/** The result of one comparison. A ratio over 1 always means that ours is better. */
export interface Result {
  readonly ours: number;
  readonly peer: number;
  readonly unit: string;
  readonly ratio: number;
  /** Interquartile range of the rounds' ratios, divided by their median: 0.1 means that half of them are within 10 %. */
  readonly spread: number;
  readonly better: 'higher' | 'lower';
  readonly peerName: string;
  /** What a reader must know to interpret the figure. */
  readonly note?: string;
}

export type Results = Record<string, Result>;
