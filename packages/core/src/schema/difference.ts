/** One way in which the database is not as it should be, and what takes it there. */
export interface Difference {
  readonly reason: string;
  readonly statements: readonly string[];
}
