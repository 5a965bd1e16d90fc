import type { Result, Results } from '../result.ts';

/** A figure with its significant digits. */
export function figure(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US');
  return value.toPrecision(3);
}

export const percent = (part: number): string => `${Math.round(part * 100)} %`;

/** Figures for a terminal, in columns. */
export function resultTable(results: Results): string {
  const rows = Object.entries(results).map(([name, result]) => [name, ...cells(result)]);
  const header = ['', 'ours', 'peer', 'unit', 'ratio', 'spread', 'peer is'];
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => pad(cell, widths[column] ?? 0, column))
      .join('  ')
      .trimEnd();
  return [header, ...rows].map(line).join('\n');
}

const cells = ({ ours, peer, unit, ratio, spread, peerName }: Result): string[] => [
  figure(ours),
  figure(peer),
  unit,
  ratio.toFixed(2),
  percent(spread),
  peerName,
];

const NUMBERS = new Set([1, 2, 4, 5]);
const pad = (cell: string, width: number, column: number): string =>
  NUMBERS.has(column) ? cell.padStart(width) : cell.padEnd(width);
