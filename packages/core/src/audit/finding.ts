/** What was found; docs/guide/schema.md explains each rule. */
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
  | 'connection';

/** One way in which the live database does not hold tenants apart as it should. */
export interface IsolationFinding {
  /** The kind of fault. */
  readonly rule: IsolationRule;
  /** What it is about: a table, role, view, function or connection. */
  readonly subject: string;
  /** What is wrong, and what that lets happen. */
  readonly message: string;
  /** SQL that fixes it, to be run as an administrator. Several statements are separated by `;` and a line break. */
  readonly sql: string;
}
