/** The kind of a finding. docs/guide/schema.md explains each one. */
export type IsolationRule =
  | 'table-missing'
  | 'row-security'
  | 'policy'
  | 'grant'
  | 'table-owner'
  | 'login-attribute'
  | 'membership'
  | 'preset'
  | 'view'
  | 'function'
  | 'feed'
  | 'connection'
  | 'node';

/** One fault in the live database that could let one tenant reach another's rows. */
export interface IsolationFinding {
  /** The kind of fault. */
  readonly rule: IsolationRule;
  /** The object concerned: a table, role, view, function or connection. */
  readonly subject: string;
  /** What is wrong, and what it makes possible. */
  readonly message: string;
  /** SQL that fixes it, to be run as an administrator. Several statements are separated by `;` and a line break. */
  readonly sql: string;
}
