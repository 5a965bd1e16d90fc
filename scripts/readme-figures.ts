// Compares the figures in the README with docs/benchmarks.md. With --write it copies them from there.
import { readFileSync, writeFileSync } from 'node:fs';

const START = '<!-- figures: npm run bench takes them over from docs/benchmarks.md -->\n';
const END = '<!-- end of figures -->\n';

/** The figures that readers ask for first, including those where we are slower. */
const QUESTIONS = {
  'scoped-read.vs-raw': 'a scoped find, against',
  'scoped-read.vs-pattern': 'a scoped find, against',
  'scoped-read.vs-drizzle': 'a scoped find, against',
  'scoped-write.vs-raw': 'a scoped write, against',
  'scoped-write.vs-pattern': 'a scoped write, against',
  'bulk-insert.vs-raw': '10,000 records in one call, against',
  'realize.vs-pgboss': 'from intent to REALIZED, against',
  'realize.vs-graphile': 'from intent to REALIZED, against',
  'feed-tax.vs-none': 'writes with a feed, against',
  'feed-tax.vs-notify': 'writes with a feed, against',
  'realize-latency.vs-pgboss': 'from commit to handler, nothing else going on, against',
  'realize-latency.vs-graphile': 'from commit to handler, nothing else going on, against',
  'feed-latency.vs-notify': 'from commit to subscriber, nothing else going on, against',
  'feed-fanout.vs-one': '100 subscribers in ten processes, against',
};

const RESULT =
  /^\| `(?<id>[^`]+)` \| (?<ours>[^|]+) \| (?<peer>[^|]+) \| (?<unit>[^|]+) \| (?<ratio>[^|]+) \| (?<spread>[^|]+) \| (?<name>[^|]+) \|$/gm;

function figures(benchmarks: string): string {
  const results = new Map([...benchmarks.matchAll(RESULT)].map(({ groups = {} }) => [groups['id'], groups]));
  const rows = Object.entries(QUESTIONS).flatMap(([id, question]) => {
    const { ours, peer, unit, ratio, spread, name } = results.get(id) ?? {};
    return ratio === undefined ? [] : [`| ${question} ${name} | ${ours} | ${peer} | ${unit} | ${ratio} | ${spread} |`];
  });
  const [measured = ''] = benchmarks.match(/^Measured [^:]*/m) ?? [];
  return [
    `${measured}. A ratio over 1 means that ours is better; the spread says how much to trust it.`,
    '[All figures, and how each peer is set up](docs/benchmarks.md).',
    '',
    '| what | ours | theirs | unit | ratio | spread |',
    '| --- | ---: | ---: | --- | ---: | ---: |',
    ...rows,
    '',
  ].join('\n');
}

const readme = readFileSync('README.md', 'utf8');
const [before = '', rest = ''] = readme.split(START);
const [, after = ''] = rest.split(END);
const expected = `${before}${START}${figures(readFileSync('docs/benchmarks.md', 'utf8'))}${END}${after}`;
if (process.argv.includes('--write')) writeFileSync('README.md', expected);
else if (readme !== expected) {
  console.error(
    'The figures in README.md are not those of docs/benchmarks.md: run node scripts/readme-figures.ts --write',
  );
  process.exitCode = 1;
}
