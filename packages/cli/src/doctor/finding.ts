/** Something wrong with the database or its use, and what to do about it. */
export interface Finding {
  /** Which check found it, e.g. `stale-point`. docs/guide/command-line.md lists them. */
  readonly check: string;
  readonly severity: 'error' | 'warning';
  /** What it is about: a table, point, slot, setting … */
  readonly subject: string;
  readonly message: string;
  /** What to do: a command or SQL. */
  readonly cure: string;
}
