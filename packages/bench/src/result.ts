/** What one comparison came to. A ratio over 1 always means that ours is better. */
export interface Result {
  readonly ours: number;
  readonly peer: number;
  readonly unit: string;
  readonly ratio: number;
  /** Distance between the quartiles of the rounds' ratios, as a part of their median: 0.1 means that half of them lie within 10 %. */
  readonly spread: number;
  readonly better: 'higher' | 'lower';
  readonly peerName: string;
  /** What a reader must know to judge the figure. */
  readonly note?: string;
}

export type Results = Record<string, Result>;
