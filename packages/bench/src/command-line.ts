import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Scenario } from './scenario.ts';
import { SCENARIOS } from './scenarios/all.ts';

export interface CommandLine {
  readonly scenarios: readonly Scenario[];
  /** Whether a result of this name is requested. */
  readonly isWanted: (resultName: string) => boolean;
  readonly isQuick: boolean;
  readonly json: string | undefined;
  readonly url: string | undefined;
  readonly isProfiled: boolean;
  readonly writesReport: boolean;
}

const USAGE = `npm run bench -- [--only NAME]... [--quick] [--json FILE] [--url DATABASE_URL] [--profile] [--report]

  --only NAME   This scenario, or this part of its results, e.g. scoped-read or scoped-read.vs-raw; may be given several times,
                or several with commas between. Default: all.
  --quick       Short turns, few rounds and small sizes: everything in under 90 seconds (the first run also
                installs Prisma and TypeORM).
  --json FILE   Write environment and results there.
  --url URL     Use this server (as a superuser) instead of starting one.
  --profile     Write CPU and heap profiles of our processes, and print where time and memory went, on our server too.
  --report      Write docs/benchmarks.md and the figures in the README. Default: committed pages stay as they are.`;

/** Throws an error that says which arguments are valid. */
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
  if (values.json !== undefined) checkWritable(values.json);
  if (values.url !== undefined) checkUrl(values.url);
  return {
    scenarios: names === undefined ? SCENARIOS : chosen(names),
    isWanted: (result) => names === undefined || names.some((name) => isPartOf(result, name)),
    isQuick: values.quick,
    json: values.json,
    url: values.url,
    isProfiled: values.profile,
    writesReport: values.report,
  };
}

export const usage = (): string =>
  `${USAGE}\n\nScenarios:\n${SCENARIOS.map(({ name, question }) => `  ${name.padEnd(16)} ${question}`).join('\n')}`;

const isPartOf = (result: string, name: string): boolean => result === name || result.startsWith(`${name}.`);

/** In the order of all scenarios, each once. */
function chosen(names: readonly string[]): Scenario[] {
  for (const name of names) {
    if (SCENARIOS.some((scenario) => isPartOf(name, scenario.name))) continue;
    throw new Error(
      `There is no scenario ${name}. There are: ${SCENARIOS.map((scenario) => scenario.name).join(', ')}`,
    );
  }
  return SCENARIOS.filter((scenario) => names.some((name) => isPartOf(name, scenario.name)));
}

/** Reported now rather than after minutes of measuring. */
function checkWritable(file: string): void {
  const folder = dirname(resolve(file));
  const place = existsSync(file) ? file : folder;
  try {
    accessSync(place, constants.W_OK);
  } catch (error) {
    throw new Error(`--json ${file}: ${existsSync(folder) ? 'it cannot be written' : `there is no folder ${folder}`}`, {
      cause: error,
    });
  }
  if (existsSync(file) && !statSync(file).isFile()) throw new Error(`--json ${file}: it is not a file`);
}

function checkUrl(url: string): void {
  if (/^postgres(ql)?:\/\//.test(url) && URL.canParse(url)) return;
  throw new Error('--url: give a URL like postgres://user:password@host:5432/postgres');
}
