import { styleText } from 'node:util';

interface Finding {
  readonly who: string;
  readonly subject: string;
  readonly saw: string;
  readonly expected: string;
}

const COLUMNS = ['who', 'looked at', 'saw'] as const;

/** The observations of all processes, and whether they were as expected. */
export class Findings {
  readonly #findings: Finding[] = [];

  add(who: string, subject: string, saw: string, expected: string): void {
    this.#findings.push({ who, subject, saw, expected });
  }

  get areAsExpected(): boolean {
    return this.#findings.length > 0 && this.#findings.every(isAsExpected);
  }

  table(): string {
    const rows = this.#findings.map((finding) => [finding.who, finding.subject, describe(finding)]);
    const widths = COLUMNS.map((heading, column) =>
      Math.max(heading.length, ...rows.map((row) => row[column]?.length ?? 0)),
    );
    const line = (cells: readonly string[]) => cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
    const rule = widths.map((width) => '─'.repeat(width)).join('  ');
    return [
      `  ${styleText('bold', line(COLUMNS))}`,
      `  ${styleText('dim', rule)}`,
      ...this.#findings.map((finding, index) => `${verdict(finding)} ${line(rows[index] ?? [])}`.trimEnd()),
    ].join('\n');
  }
}

const isAsExpected = ({ saw, expected }: Finding): boolean => saw === expected;

const describe = (finding: Finding): string =>
  isAsExpected(finding) ? finding.saw : `${finding.saw || 'nothing'} (expected: ${finding.expected})`;

const verdict = (finding: Finding): string => (isAsExpected(finding) ? styleText('green', '✓') : styleText('red', '✗'));
