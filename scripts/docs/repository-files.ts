import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** All Markdown files that git tracks, or would add. */
export function markdownFiles(): string[] {
  return filesLike('**/*.md');
}

/** Tracked and new files without ignored ones. `**` in a pattern also matches no folder, `*` does not match `/`. */
export function filesLike(...patterns: readonly string[]): string[] {
  const options = ['--cached', '--others', '--exclude-standard', '--deduplicate'];
  const output = execFileSync('git', ['--glob-pathspecs', 'ls-files', ...options, '--', ...patterns], {
    encoding: 'utf8',
  });
  return output.split('\n').filter((file) => file !== '' && existsSync(file));
}
