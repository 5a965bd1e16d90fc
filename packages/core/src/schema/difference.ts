/** A difference between the database and the wanted schema, and the statements that remove it. */
export interface Difference {
  readonly reason: string;
  readonly statements: readonly string[];
}
