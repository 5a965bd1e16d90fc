import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const LOOK_EVERY_MS = 500;
const SHELL = /^(ba|da|a|z|k)?sh$/;

/**
 * Calls back once when the parent process has ended, e.g. killed with -9. Under npm there may be a shell in between
 * that outlives npm, so the shell's parent is watched too.
 */
export function whenOrphaned(callback) {
  const parent = process.ppid;
  const isUnderNpm = process.env.npm_lifecycle_event !== undefined;
  const grandparent = isUnderNpm && SHELL.test(look(parent)?.command ?? '') ? look(parent)?.parent : undefined;
  const timer = setInterval(() => {
    const isOrphan = process.ppid !== parent || (grandparent !== undefined && look(parent)?.parent !== grandparent);
    if (!isOrphan) return;
    clearInterval(timer);
    callback();
  }, LOOK_EVERY_MS);
  timer.unref();
}

/** The command and the parent of a process; undefined if it has ended. */
function look(pid) {
  try {
    if (process.platform === 'linux') {
      const [, command, parent] = readFileSync(`/proc/${pid}/stat`, 'utf8').match(/\((.*)\) \S (\d+)/s);
      return { command, parent: Number(parent) };
    }
    const output = execFileSync('ps', ['-o', 'ppid=,comm=', '-p', String(pid)], { encoding: 'utf8' });
    const [, parent, command] = output.match(/(\d+) +(?:.*\/)?-?(\S*)/);
    return { command, parent: Number(parent) };
  } catch {
    return undefined;
  }
}
