// Prints figures of the code: length of functions and files, casts, sleeps in specs. `node scripts/code-figures.ts`
import { readFileSync } from 'node:fs';
import { parseSync, Visitor } from 'oxc-parser';
import { filesLike } from './docs/repository-files.ts';

const MAX_LINES = 300;
const SLEEP = /\b(setTimeout\(\s*(resolve|done)|await (sleep|pause|delay|setTimeout)\()/;
/** Generated, or data. */
const NOT_WRITTEN = /\/gen\//;

interface Figures {
  readonly functionLengths: number[];
  readonly longFiles: string[];
  lines: number;
  casts: number;
  sleeps: number;
}

const figures = new Map<string, Figures>();

function figuresOf(name: string): Figures {
  const known = figures.get(name) ?? { functionLengths: [], longFiles: [], lines: 0, casts: 0, sleeps: 0 };
  figures.set(name, known);
  return known;
}

function measure(file: string): void {
  const text = readFileSync(file, 'utf8');
  const lines = text.split('\n').length - 1;
  const figure = figuresOf(file.split('/')[1] ?? '');
  if (lines > MAX_LINES) figure.longFiles.push(`${file} ${lines}`);
  if (/\.spec\.tsx?$/.test(file)) {
    figure.sleeps += text.split('\n').filter((line) => SLEEP.test(line)).length;
    return;
  }
  if (file.includes('/testing/')) return;
  figure.lines += lines;
  measureProgram(file, text, figure);
}

function measureProgram(file: string, text: string, figure: Figures): void {
  const lineAt = (offset: number) => text.slice(0, offset).split('\n').length;
  const measureFunction = ({ start, end, body }: { start: number; end: number; body: object | null }) => {
    if (body !== null) figure.functionLengths.push(lineAt(end) - lineAt(start) + 1);
  };
  new Visitor({
    FunctionDeclaration: measureFunction,
    FunctionExpression: measureFunction,
    ArrowFunctionExpression: measureFunction,
    TSAsExpression: ({ typeAnnotation, end }) => {
      if (text.slice(typeAnnotation.start, end) !== 'const') figure.casts++;
    },
  }).visit(parseSync(file, text).program);
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}

function row(name: string, { functionLengths, lines, casts, sleeps, longFiles }: Figures) {
  return {
    package: name,
    lines,
    functions: functionLengths.length,
    median: quantile(functionLengths, 0.5),
    p90: quantile(functionLengths, 0.9),
    'casts per 1,000 lines': Number(((1_000 * casts) / lines).toFixed(1)),
    'sleeps in specs': sleeps,
    [`files over ${MAX_LINES}`]: longFiles.length,
  };
}

filesLike('packages/*/src/**/*.ts', 'packages/*/page/src/**/*.ts', 'packages/*/page/src/**/*.tsx')
  .filter((file) => !NOT_WRITTEN.test(file))
  .forEach(measure);
const total = [...figures.values()].reduce<Figures>(
  (sum, one) => ({
    functionLengths: [...sum.functionLengths, ...one.functionLengths],
    longFiles: [...sum.longFiles, ...one.longFiles],
    lines: sum.lines + one.lines,
    casts: sum.casts + one.casts,
    sleeps: sum.sleeps + one.sleeps,
  }),
  { functionLengths: [], longFiles: [], lines: 0, casts: 0, sleeps: 0 },
);
console.table([...[...figures].map(([name, figure]) => row(name, figure)), row('all', total)]);
for (const file of total.longFiles) console.log(file);
