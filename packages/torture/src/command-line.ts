import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Scenario } from './scenario/scenario.ts';
import { SCENARIOS } from './scenario/scenarios.ts';
import { BROKEN_BUILDS } from './world/break-server.ts';

/** The arguments of the command. */
export interface CommandLine {
  readonly minutes: number;
  readonly seed: number;
  readonly scale: number;
  readonly scenarios: readonly Scenario[];
  readonly broken: string;
  readonly folder: string | undefined;
  readonly earlierRelease: string | undefined;
  readonly recoveryLimitMs: number;
}

const OPTIONS = {
  minutes: { type: 'string', default: '2' },
  seed: { type: 'string' },
  scale: { type: 'string', default: '1' },
  only: { type: 'string', multiple: true },
  broken: { type: 'string', default: '' },
  folder: { type: 'string' },
  earlier: { type: 'string' },
  'recovery-limit': { type: 'string', default: '10' },
  help: { type: 'boolean', default: false },
} as const;

/** The help of the command. */
export const usage = (): string => `npm run torture -- [--minutes N] [--seed S] [--only NAME]... [--scale N]

  --minutes N         How long all scenarios take together, about. Default 2.
  --seed S            A whole number that decides the faults and the operations. Default: a random one, which is printed.
  --only NAME         This scenario; may be given several times.
  --scale N           Multiplies sizes. Default 1.
  --recovery-limit N  Seconds within which the system has to recover from each fault. Default 10.
  --folder PATH       Where histories and logs go, and stay. Default: a temporary folder, kept if a rule is violated.
  --earlier PATH      The repository of an earlier release with its dependencies, for the scenario upgrade.
  --broken NAME       Run a build that is broken on purpose, to see that the checkers notice: ${BROKEN_BUILDS.join(', ')}.

${SCENARIOS.map(({ name, about }) => `  ${name.padEnd(18)}  ${about}`).join('\n')}`;

/** Throws an error that says which arguments are valid. */
export function readCommandLine(args: readonly string[]): CommandLine | 'help' {
  const { values } = parseArgs({ args: [...args], options: OPTIONS });
  if (values.help) return 'help';
  if (values.broken !== '' && !BROKEN_BUILDS.includes(values.broken))
    throw new Error(`--broken ${values.broken}: choose from ${BROKEN_BUILDS.join(', ')}`);
  return {
    minutes: positive('minutes', values.minutes),
    seed: values.seed === undefined ? Math.floor(Math.random() * 1e6) : Math.trunc(positive('seed', values.seed)),
    scale: positive('scale', values.scale),
    scenarios: scenariosOf(values.only),
    broken: values.broken,
    folder: values.folder,
    earlierRelease: values.earlier === undefined ? undefined : resolve(values.earlier),
    recoveryLimitMs: positive('recovery-limit', values['recovery-limit']) * 1_000,
  };
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new Error(`--${name} is ${JSON.stringify(text)}, and must be a number above 0`);
}

function scenariosOf(names: readonly string[] | undefined): readonly Scenario[] {
  if (names === undefined) return SCENARIOS.filter(({ weight }) => weight > 0);
  return names.map((name) => {
    const found = SCENARIOS.find((scenario) => scenario.name === name);
    if (found) return found;
    throw new Error(
      `--only ${name}: there is no such scenario; choose from ${SCENARIOS.map((one) => one.name).join(', ')}`,
    );
  });
}
