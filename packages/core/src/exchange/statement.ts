/** A parameter as it is sent: text format as a string, binary format as a Buffer, SQL null. */
export type WireValue = string | Buffer | null;

/** One SQL statement of an exchange. */
export interface Statement {
  readonly text: string;
  /**
   * Present for statements of a fixed shape: they are prepared once per connection, identified by their text. The name
   * is shown in logs and profiles. Absent: the statement is parsed each time.
   */
  readonly name?: string | undefined;
  readonly values?: readonly WireValue[];
}

/** The result of a statement. */
export interface StatementResult {
  /** Columns in the order of the select or returning list, each as Postgres' text or null. */
  readonly rows: readonly (readonly (string | null)[])[];
  /** Rows affected, or returned by a select. */
  readonly rowCount: number;
  /** The command tag, e.g. `INSERT 0 1`. */
  readonly command: string;
}
