import type { Sample, Series } from './sample.ts';

const COLUMNS = 3;
const WIDTH = 280;
const HEIGHT = 110;
const MARGIN = 16;
const TITLE = 20;
const LINE = '#2f6f4f';

/** A small line chart for each series, each from 0 to its own largest value, over the time of the run. */
export function plotSamples(series: readonly Series[], samples: readonly Sample[]): string {
  const rows = Math.ceil(series.length / COLUMNS);
  const charts = series.map((one, index) => chart(one, samples, index % COLUMNS, Math.floor(index / COLUMNS)));
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${COLUMNS * WIDTH}" height="${rows * HEIGHT}" font-family="sans-serif" font-size="11">
<title>What a long run needs</title>
<rect width="100%" height="100%" fill="#fff"/>
${charts.join('\n')}
</svg>
`;
}

function chart({ name, unit }: Series, samples: readonly Sample[], column: number, row: number): string {
  const values = samples.map((sample) => sample.get(name) ?? 0);
  const largest = Math.max(...values, Number.MIN_VALUE);
  const left = column * WIDTH + MARGIN;
  const bottom = (row + 1) * HEIGHT - MARGIN;
  const width = WIDTH - 2 * MARGIN;
  const height = HEIGHT - TITLE - 2 * MARGIN;
  const points = values.map((value, index) => {
    const x = left + (width * index) / Math.max(1, values.length - 1);
    return `${x.toFixed(1)},${(bottom - (height * value) / largest).toFixed(1)}`;
  });
  const last = values.at(-1) ?? 0;
  return `<text x="${left}" y="${row * HEIGHT + TITLE}">${name}: ${short(last)} ${unit} (largest ${short(largest)})</text>
<line x1="${left}" y1="${bottom}" x2="${left + width}" y2="${bottom}" stroke="#999"/>
<polyline points="${points.join(' ')}" fill="none" stroke="${LINE}" stroke-width="1.5"/>`;
}

/** With at most one decimal. */
const short = (value: number): string => String(Math.round(value * 10) / 10);
