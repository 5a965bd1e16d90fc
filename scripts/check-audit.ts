/**
 * Asks the registry whether a dependency of a published package has a known vulnerability, and fails for one of at
 * least moderate severity. Without a network, or with a registry without advisories, it is skipped and prints why.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type Audit, auditProblems } from './audit-problems.ts';
import { findPnpm } from './bootstrap/toolchain.mjs';

const LIMIT_MS = 30_000;

async function audit(): Promise<{ output: string; errors: string }> {
  const args = ['audit', '--prod', '--json', '--audit-level', 'moderate'];
  try {
    const { stdout, stderr } = await promisify(execFile)(await findPnpm(), args, { timeout: LIMIT_MS });
    return { output: stdout, errors: stderr };
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as Error & { stdout?: string; stderr?: string };
    return { output: stdout, errors: stderr || message };
  }
}

function parse(output: string): Audit | undefined {
  try {
    return JSON.parse(output) as Audit;
  } catch {
    return undefined;
  }
}

const { output, errors } = await audit();
const found = parse(output);
if (found?.advisories === undefined) {
  const [reason = 'no answer'] = `${output}${errors}`.match(/[A-Z]+_[A-Z_]{4,}|responded with \d+|E[A-Z]{5,}/g) ?? [];
  console.log(`skipped: the registry gave no advisories (${reason})`);
} else {
  const problems = auditProblems(found);
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
