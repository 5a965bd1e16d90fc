import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Environment } from '../environment.ts';
import type { Results } from '../result.ts';
import type { Scenario } from '../scenario.ts';
import { figure, percent } from './figures.ts';
import { PEER_NOTES } from './peer-notes.ts';
import { plot } from './plot.ts';
import { judge } from './targets.ts';

const DOCS = fileURLToPath(new URL('../../../../docs', import.meta.url));

/** Writes docs/benchmarks.md with a plot for each scenario. */
export async function writeReport(
  environment: Environment,
  results: Results,
  scenarios: readonly Scenario[],
): Promise<void> {
  const plots = join(DOCS, 'benchmarks');
  await mkdir(plots, { recursive: true });
  const sections: string[] = [];
  for (const scenario of scenarios) {
    const own = resultsOf(scenario, results);
    if (Object.keys(own).length === 0) continue;
    await writeFile(join(plots, `${scenario.name}.svg`), plot(own));
    sections.push(section(scenario, own));
  }
  await writeFile(
    join(DOCS, 'benchmarks.md'),
    `${[opening(environment), targets(results), ...sections, PEER_NOTES].join('\n\n')}\n`,
  );
}

const resultsOf = ({ name }: Scenario, results: Results): Results =>
  Object.fromEntries(Object.entries(results).filter(([key]) => key === name || key.startsWith(`${name}.`)));

function opening(environment: Environment): string {
  const { measuredAt, commit, node, postgres, fsync, platform, cpu, cores, memoryGb, isQuick } = environment;
  return `# Benchmarks

\`npm run bench -- --report\` wrote this page; don't edit it. Ours and each peer do the same work in alternating turns, in separate processes,
against one Postgres, after one turn to warm up. A figure is the median over the rounds. The ratio is the median of the rounds' ratios,
and over 1 always means that ours is better. The spread is the distance between the quartiles of those ratios as a part of their median:
where it is large, the machine was busy or the peer is irregular, and the ratio has little meaning. Each peer is set up as its own
documentation advises for speed: see [how the peers are set up](#how-the-peers-are-set-up).

Measured ${measuredAt.slice(0, 10)} at commit ${commit}${isQuick ? ', with --quick: short turns and few rounds' : ''}: Node ${node}, Postgres ${postgres}, fsync ${fsync},
${platform}, ${cores} cores (${cpu}), ${memoryGb} GB. Server and clients share the machine, so every figure includes both.

To repeat: \`npm run bench\` (all, about a quarter of an hour), \`-- --quick\` (under 90 seconds, rough), \`-- --only scoped-read\` or \`--only scoped-read.vs-raw\`,
\`-- --json FILE\`, \`-- --profile\` (where our own time and memory go, on the server too).`;
}

/** Includes targets that were missed, because a table of successes alone says nothing. */
function targets(results: Results): string {
  const rows = judge(results).map(
    ({ text, result, target, measured, isMet, reason }) =>
      `| ${text} | ${target} | ${measured} | ${isMet ? 'met' : `**not met.** ${reason ?? ''}`.trim()} | \`${result}\` |`,
  );
  return [
    '## Targets\n\nSet before anything was measured. Costs are ours ÷ the peer’s, so that less is better there.',
    ['| target | | measured | | result |', '| --- | ---: | ---: | --- | --- |', ...rows].join('\n'),
  ].join('\n\n');
}

function section({ name, question }: Scenario, results: Results): string {
  const rows = Object.entries(results).map(
    ([key, { ours, peer, unit, ratio, spread, peerName }]) =>
      `| \`${key}\` | ${figure(ours)} | ${figure(peer)} | ${unit} | **${ratio.toFixed(2)}** | ${percent(spread)} | ${peerName} |`,
  );
  const notes = [...new Set(Object.values(results).flatMap(({ note }) => note ?? []))];
  return [
    `## ${name}\n\n${question}`,
    `![${name}](benchmarks/${name}.svg)`,
    [
      '| | ours | peer | unit | ratio | spread | peer is |',
      '| --- | ---: | ---: | --- | ---: | ---: | --- |',
      ...rows,
    ].join('\n'),
    ...notes,
  ].join('\n\n');
}
