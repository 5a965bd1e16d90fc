import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** Those that git knows or would add. */
export function markdownFiles(): string[] {
  return filesLike('*.md');
}

/** Tracked and new files, the ignored left out. */
export function filesLike(...patterns: readonly string[]): string[] {
  const options = ['--cached', '--others', '--exclude-standard', '--deduplicate'];
  const output = execFileSync('git', ['ls-files', ...options, '--', ...patterns], { encoding: 'utf8' });
  return output.split('\n').filter((file) => file !== '' && existsSync(file));
}
