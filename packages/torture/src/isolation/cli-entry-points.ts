import type { Random } from '../random.ts';
import type { Caller } from './caller.ts';
import type { EntryPoint, SystemUnderTest } from './entry-point.ts';
import { anyKey, HOSTILE } from './hostile-strings.ts';

type Args = (random: Random) => readonly string[];

const COMMANDS: Readonly<Record<string, Args>> = {
  list: () => ['list', 'cell', '--limit', '200'],
  'list --where': (random) => ['list', 'cell', '--where', `id=${anyKey(random)}`],
  'list of a hostile table': (random) => ['list', '--', random.pick(HOSTILE)],
  status: () => ['status', 'cell'],
  'status of a key': (random) => ['status', '--', 'cell', anyKey(random)],
  history: (random) => ['history', '--', 'cell', anyKey(random)],
  changes: () => ['changes', 'cell', '--from', 'beginning', '--limit', '1'],
  'dead-letters': () => ['dead-letters'],
  points: () => ['points'],
  'retry --dry-run': () => ['retry', 'cell', '--status', 'ERROR', '--dry-run'],
};

/** Programs take long to start, and the other entry points need the processor too. */
let isRunning = false;

async function runAlone<T>(run: () => Promise<T>): Promise<T | undefined> {
  if (isRunning) return undefined;
  isRunning = true;
  try {
    return await run();
  } finally {
    isRunning = false;
  }
}

/** All except the end of a line: a value must not be able to control the terminal. */
const CONTROL = /[^\P{Cc}\n]/u;

/** An operator's program that acts for one org and instance must show only theirs. */
export const CLI_ENTRY_POINTS: readonly EntryPoint[] = Object.entries(COMMANDS).map(([name, args]) => ({
  name: `intendant ${name}`,
  call: ({ cli }: SystemUnderTest, { org, instance }: Caller, random: Random) =>
    runAlone(async () => {
      const asJson = random.chance(0.5) ? ['--json'] : [];
      const output = await cli(['--org', org, '--instance', instance, ...asJson, ...args(random)]);
      if (CONTROL.test(output.stdout + output.stderr)) throw new Error('the output has control characters');
      return output;
    }),
}));
