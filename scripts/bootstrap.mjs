// Runs a command of this repository on a machine with nothing but Node >= 20 and npm: finds or installs the tools, installs
// the dependencies of the lockfile if they are missing, then starts the command. Plain JavaScript, because old Nodes cannot run TypeScript.
import { installDependencies } from './bootstrap/install.mjs';
import { runCommand } from './bootstrap/run-command.mjs';
import { findNode } from './bootstrap/toolchain.mjs';

const COMMANDS = {
  demo: ['examples/quickstart/src/main.ts'],
  test: ['node_modules/vitest/vitest.mjs', 'run'],
  soak: ['node_modules/vitest/vitest.mjs', 'run'],
  bench: ['packages/bench/src/main.ts'],
  torture: ['packages/torture/src/main.ts'],
  check: ['scripts/check.ts'],
  build: ['scripts/build.ts'],
  pack: ['scripts/build.ts', '--keep'],
  docs: ['site/build.ts'],
  intendant: ['packages/cli/src/main.ts'],
  console: ['examples/playground/src/main.ts'],
  example: ['scripts/example.ts'],
};

/** These programs use `await using`, which Node supports from 24 on. */
const OLDEST_NODE = { bench: [24, 0], torture: [24, 0], intendant: [24, 0], console: [24, 0], example: [24, 0] };

const [name, ...rest] = process.argv.slice(2);
const command = COMMANDS[name];
if (command === undefined) {
  console.error(`Unknown command ${name ?? ''}: use one of ${Object.keys(COMMANDS).join(', ')}`);
  process.exit(1);
}

if (name === 'soak') process.env.INTENDANT_SOAK = '1';

try {
  const node = await findNode(OLDEST_NODE[name]);
  await installDependencies(node);
  process.exitCode = await runCommand(node, [...command, ...rest]);
  if (name === 'bench' && rest.includes('--report') && process.exitCode === 0)
    await runCommand(node, ['scripts/readme-figures.ts', '--write']);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
