import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { whenOrphaned } from './orphan-watch.mjs';
import { COMPILE_CACHE, ROOT } from './repository.mjs';

const KILL_AFTER_MS = 5000;

/**
 * Runs Node and forwards signals to it. This process ends when Node ends, and Node ends when this process ends, however
 * that happens. Returns the exit code.
 */
export async function runCommand(node, args) {
  const imports = ['end-with-parent.mjs', 'resolve-sources.mjs'].flatMap((name) => [
    '--import',
    pathToFileURL(join(ROOT, 'scripts/bootstrap', name)).href,
  ]);
  const child = spawn(node, ['--disable-warning=ExperimentalWarning', ...imports, ...args], {
    cwd: ROOT,
    env: {
      NODE_COMPILE_CACHE: COMPILE_CACHE,
      ...process.env,
      ...colours(),
      PATH: `${dirname(node)}${delimiter}${process.env.PATH}`,
    },
    stdio: 'inherit',
  });
  forwardSignals(child);
  whenOrphaned(() => {
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS).unref();
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
  });
}

/** Colours only on a terminal, unless the user asks for them: some tools print them into pipes and files too. */
function colours() {
  return process.stdout.isTTY || process.env.FORCE_COLOR !== undefined ? {} : { NO_COLOR: '1' };
}

function forwardSignals(child) {
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  // A terminal sends Ctrl-C to the child as well, and many programs end at once after a second one.
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));
}
