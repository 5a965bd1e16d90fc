// All checks of `npm run check`. Every check runs even if an earlier one fails, so that one run shows all problems.
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

const isTerminal = process.stdout.isTTY === true;

const CHECKS = {
  types: ['node_modules/typescript/bin/tsc', '-b', '--pretty', String(isTerminal)],
  'lint and format': [
    'node_modules/@biomejs/biome/bin/biome',
    'ci',
    `--colors=${isTerminal ? 'force' : 'off'}`,
    '--error-on-warnings',
  ],
  'direction of imports': ['scripts/check-imports.ts'],
  'unused code': ['node_modules/knip/bin/knip.js', '--no-progress'],
  'examples in the docs': ['scripts/check-doc-examples.ts'],
  docstrings: ['scripts/check-docstrings.ts'],
  'links in the docs': ['scripts/check-doc-links.ts'],
  'known vulnerabilities': ['scripts/check-audit.ts'],
  'figures in the README': ['scripts/readme-figures.ts'],
};

interface Outcome {
  readonly name: string;
  readonly passed: boolean;
  readonly output: string;
}

async function run(name: string, args: readonly string[]): Promise<Outcome> {
  const child = spawn(process.execPath, [...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const [code, output, errors] = await Promise.all([exited, text(child.stdout), text(child.stderr)]);
  return { name, passed: code === 0, output: `${output}${errors}`.trim() };
}

const outcomes = await Promise.all(Object.entries(CHECKS).map(([name, args]) => run(name, args)));
for (const { name, passed, output } of outcomes.toSorted((a, b) => Number(b.passed) - Number(a.passed))) {
  console.log(passed ? `✓ ${name}${output.startsWith('skipped') ? ` (${output})` : ''}` : `✗ ${name}\n\n${output}\n`);
}
process.exitCode = outcomes.every((outcome) => outcome.passed) ? 0 : 1;
