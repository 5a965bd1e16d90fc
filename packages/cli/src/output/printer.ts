import { styleText } from 'node:util';
import { type Io, terminalWidth } from '../run/io.ts';
import { toJson } from './json.ts';
import { printable } from './printable.ts';
import { type TableColumn, tableLines } from './table.ts';
import { wrapped } from './wrapped.ts';

type Style = Parameters<typeof styleText>[0];

/** Writes results to stdout: tables for people, JSON for programs. Whole lines only. */
export class Printer {
  readonly #io: Io;
  readonly isJson: boolean;
  readonly #hasColor: boolean;

  constructor(io: Io, isJson: boolean) {
    this.#io = io;
    this.isJson = isJson;
    const { NO_COLOR: noColor, TERM: terminal } = io.environment;
    this.#hasColor = io.stdout.isTTY === true && !noColor && terminal !== 'dumb';
  }

  get #width(): number | undefined {
    return terminalWidth(this.#io.stdout);
  }

  get isTerminal(): boolean {
    return this.#io.stdout.isTTY === true;
  }

  /** The value as JSON with `--json`, else what `show` prints. */
  result(value: unknown, show: () => void): void {
    if (this.isJson) this.json(value);
    else show();
  }

  /** Indented on a terminal, one line otherwise. */
  json(value: unknown): void {
    this.line(toJson(value, this.isTerminal ? 2 : undefined));
  }

  /** One JSON document a line, for streams. */
  jsonLine(value: unknown): void {
    this.line(toJson(value));
  }

  line(text = ''): void {
    this.#io.stdout.write(`${text}\n`);
  }

  /** Prose, without line breaks. On a terminal it is wrapped between words, and lines after the first start with `indent`. */
  paragraph(text: string, indent?: string): void {
    this.line(wrapped(text, this.#width, indent));
  }

  /** A sentence for people: with `--json` it goes to stderr, so that stdout stays JSON. */
  say(text: string): void {
    if (this.isJson) this.note(text);
    else this.paragraph(printable(text));
  }

  /** A remark for the user, on stderr. */
  note(text: string): void {
    this.#io.stderr.write(`${wrapped(printable(text), terminalWidth(this.#io.stderr))}\n`);
  }

  table<Row>(columns: readonly TableColumn<Row>[], rows: readonly Row[]): void {
    const lines = tableLines(columns, rows, { width: this.#width, paintTitle: (text) => this.paint('bold', text) });
    this.line(lines.join('\n'));
  }

  paint(style: Style, text: string): string {
    return this.#hasColor ? styleText(style, text, { validateStream: false }) : text;
  }

  /** Clears the terminal, for output that replaces itself. */
  clear(): void {
    if (this.isTerminal) this.#io.stdout.write('\u001b[H\u001b[2J');
  }
}
