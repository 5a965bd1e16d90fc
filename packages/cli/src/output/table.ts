import stringWidth from 'string-width';
import { printable } from './printable.ts';

/** One column of a table for people. */
export interface TableColumn<Row> {
  readonly title: string;
  readonly value: (row: Row) => string | number | null | undefined;
  readonly align?: 'left' | 'right';
  /** The column may be cut to this many characters if the terminal is too narrow. Default: never cut. */
  readonly minWidth?: number;
  /** The column tells rows apart, so it is cut only if cutting the others is not enough. Default false. */
  readonly isName?: boolean;
  /** Adds colour to the padded text. */
  readonly paint?: (text: string, row: Row) => string;
}

export interface TableLayout {
  /** Width of the terminal in characters; undefined for no limit. */
  readonly width: number | undefined;
  readonly paintTitle?: (text: string) => string;
}

const GAP = '  ';

/** Lines of a table with aligned columns. On a terminal that is too narrow, columns with a `minWidth` are cut. */
export function tableLines<Row>(
  columns: readonly TableColumn<Row>[],
  rows: readonly Row[],
  { width, paintTitle = (text) => text }: TableLayout,
): string[] {
  const used = columns.filter((column) => rows.some((row) => textOf(column, row) !== ''));
  const texts = rows.map((row) => used.map((column) => textOf(column, row)));
  const natural = used.map(({ title }, index) =>
    // Not with `...`: a call takes about 100,000 arguments, and there may be more rows.
    texts.reduce((widest, line) => Math.max(widest, stringWidth(line[index] as string)), stringWidth(title)),
  );
  const widths = width === undefined ? natural : fit(used, natural, width);
  const head = used.map((column, index) => paintTitle(cell(column, column.title, widths[index] as number)));
  const body = texts.map((line, at) =>
    used.map((column, index) => {
      const text = cell(column, line[index] as string, widths[index] as number);
      return column.paint ? column.paint(text, rows[at] as Row) : text;
    }),
  );
  return [head, ...body].map((line) => line.join(GAP).trimEnd());
}

const textOf = <Row>({ value }: TableColumn<Row>, row: Row): string => {
  const found = value(row);
  return found === null || found === undefined ? '' : printable(String(found));
};

/** The widths at which the table fits, or the smallest ones. Descriptions are cut before names. */
function fit<Row>(columns: readonly TableColumn<Row>[], natural: readonly number[], width: number): number[] {
  const least = (mayCutNames: boolean): number[] =>
    columns.map(({ minWidth, isName = false, title }, index) =>
      minWidth === undefined || (isName && !mayCutNames)
        ? (natural[index] as number)
        : Math.max(minWidth, stringWidth(title)),
    );
  return cutWidest(cutWidest(natural, least(false), width), least(true), width);
}

/** Narrows the widest column that may be cut, until the table fits or no column can be narrowed. */
function cutWidest(before: readonly number[], least: readonly number[], width: number): number[] {
  const widths = [...before];
  let excess = widths.reduce((sum, one) => sum + one, GAP.length * (widths.length - 1)) - width;
  while (excess > 0) {
    const widest = widestOf(widths, least);
    if (widest === undefined) break;
    widths[widest] = (widths[widest] as number) - 1;
    excess--;
  }
  return widths;
}

function widestOf(widths: readonly number[], least: readonly number[]): number | undefined {
  let widest: number | undefined;
  widths.forEach((width, index) => {
    if (width > (least[index] as number) && (widest === undefined || width > (widths[widest] as number)))
      widest = index;
  });
  return widest;
}

function cell<Row>({ align }: TableColumn<Row>, text: string, width: number): string {
  const short = cut(text, width);
  const padding = ' '.repeat(Math.max(0, width - stringWidth(short)));
  return align === 'right' ? padding + short : short + padding;
}

const graphemes = new Intl.Segmenter();

/** The text in at most this many terminal columns, with an ellipsis if it was cut. */
function cut(text: string, width: number): string {
  if (stringWidth(text) <= width) return text;
  let short = '';
  for (const { segment } of graphemes.segment(text)) {
    if (stringWidth(short + segment) > width - 1) break;
    short += segment;
  }
  return `${short}…`;
}
