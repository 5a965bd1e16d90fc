import { spawn } from 'node:child_process';
import { ROOT } from './repository.mjs';

/** Runs a program and returns its output. The output is printed only if the program fails. */
export async function quietly(doing, program, args, env = process.env) {
  const child = spawn(program, args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const stop = () => child.kill('SIGTERM');
  process.once('exit', stop);
  const said = { stdout: '', stderr: '' };
  child.stdout.on('data', (data) => (said.stdout += data));
  child.stderr.on('data', (data) => (said.stderr += data));
  const [status, problem] = await new Promise((resolve) => {
    child.once('error', (error) => resolve([null, error.message]));
    child.once('close', (code, signal) => resolve([code, signal ?? `exit code ${code}`]));
  });
  process.off('exit', stop);
  if (status === 0) return said.stdout;
  throw new Error(`${said.stdout}${said.stderr}\n${doing} failed (${program} ${args.join(' ')}: ${problem})`.trim());
}

/** Prints one line while a long step runs, and erases it afterwards on a terminal. */
export async function announced(doing, work) {
  const isTerminal = process.stderr.isTTY;
  process.stderr.write(isTerminal ? `${doing} …` : `${doing} …\n`);
  try {
    return await work();
  } finally {
    if (isTerminal) process.stderr.write('\r\x1b[2K');
  }
}
