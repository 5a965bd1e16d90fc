import { parseArgs } from 'node:util';
import type { Scenario } from './scenario.ts';
import { SCENARIOS } from './scenarios/all.ts';

export interface CommandLine {
  readonly scenarios: readonly Scenario[];
  readonly isQuick: boolean;
  readonly json: string | undefined;
  readonly url: string | undefined;
  readonly isProfiled: boolean;
  readonly writesReport: boolean;
}

const USAGE = `npm run bench -- [--only NAME]... [--quick] [--json FILE] [--url DATABASE_URL] [--profile] [--report]

  --only NAME   This scenario; may be given several times. Default: all.
  --quick       Short turns, few rounds and small sizes: everything in under 90 seconds.
  --json FILE   Write environment and results there.
  --url URL     Use this server (as a superuser) instead of starting one.
  --profile     Write CPU and heap profiles of our processes, and print where the time went.
  --report      Write docs/benchmarks.md. A full run of all scenarios does so anyway.`;

/** Throws an error that says what to give instead. */
export function readCommandLine(args: readonly string[]): CommandLine | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string', multiple: true },
      quick: { type: 'boolean', default: false },
      json: { type: 'string' },
      url: { type: 'string' },
      profile: { type: 'boolean', default: false },
      report: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  const names = values.only?.flatMap((list) => list.split(','));
  return {
    scenarios: names === undefined ? SCENARIOS : names.map(scenarioOf),
    isQuick: values.quick,
    json: values.json,
    url: values.url,
    isProfiled: values.profile,
    writesReport: values.report || (names === undefined && !values.quick && !values.profile),
  };
}

export const usage = (): string =>
  `${USAGE}\n\nScenarios:\n${SCENARIOS.map(({ name, question }) => `  ${name.padEnd(16)} ${question}`).join('\n')}`;

function scenarioOf(name: string): Scenario {
  const scenario = SCENARIOS.find((candidate) => candidate.name === name);
  if (scenario) return scenario;
  throw new Error(
    `There is no scenario ${name}. There are: ${SCENARIOS.map((candidate) => candidate.name).join(', ')}`,
  );
}
