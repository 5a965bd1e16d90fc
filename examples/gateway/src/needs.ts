import { execFileSync } from 'node:child_process';

/** Why nginx cannot be used here; undefined if it can. */
export function whyNoNginx(): string | undefined {
  try {
    execFileSync('nginx', ['-v'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'the program nginx is missing (Debian: apt-get install nginx-light)';
  }
}
