/** The part of `pnpm audit --json` that is read. https://pnpm.io/cli/audit */
export interface Audit {
  readonly advisories?: Readonly<Record<string, Advisory>>;
}

interface Advisory {
  readonly module_name: string;
  readonly severity: string;
  readonly title: string;
  readonly url?: string;
  readonly patched_versions?: string;
}

const HARMLESS: ReadonlySet<string> = new Set(['info', 'low']);

/** One line for each advisory that must be acted upon. */
export const auditProblems = ({ advisories = {} }: Audit): string[] =>
  Object.values(advisories)
    .filter(({ severity }) => !HARMLESS.has(severity))
    .map(
      ({ module_name, severity, title, url = '', patched_versions = 'none' }) =>
        `${module_name}: ${severity}: ${title} (patched: ${patched_versions}) ${url}`,
    );
