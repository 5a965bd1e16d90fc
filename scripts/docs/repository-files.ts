import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** All Markdown files that git tracks or would track. */
export function markdownFiles(): string[] {
  return filesLike('**/*.md');
}

/** Files that are tracked or new, and not ignored. `**` in a pattern also matches no folder; `*` does not match `/`. */
export function filesLike(...patterns: readonly string[]): string[] {
  const options = ['--cached', '--others', '--exclude-standard', '--deduplicate'];
  const output = execFileSync('git', ['--glob-pathspecs', 'ls-files', ...options, '--', ...patterns], {
    encoding: 'utf8',
  });
  return output.split('\n').filter((file) => file !== '' && existsSync(file));
}
