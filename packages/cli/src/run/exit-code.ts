/** The exit codes of the process. docs/guide/command-line.md shows the same table. */
export const EXIT = {
  done: 0,
  /** The command failed, `schema --check` found a difference, or `doctor` found a problem. */
  failed: 1,
  /** An unknown command or flag, a missing argument, or a configuration that cannot be read. */
  wrongUse: 2,
  /** Nothing matches: no such resource, an empty list. */
  nothingFound: 3,
  SIGHUP: 129,
  SIGINT: 130,
  SIGTERM: 143,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
