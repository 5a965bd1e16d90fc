import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HistoryWriter } from '../history/history-writer.ts';
import { SECRET_MARK } from '../world/tables.ts';
import type { ScenarioRun } from './scenario.ts';

const SHOWN = 400;

/** Reports log lines that contain values of records or passwords. No line of any level may contain them. */
export function readLogs(
  { folder }: Pick<ScenarioRun, 'folder'>,
  history: HistoryWriter,
  secrets: readonly string[] = [],
): void {
  const path = join(folder, 'log.jsonl');
  const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n') : [];
  const planted = [SECRET_MARK, ...secrets];
  for (const line of lines) {
    if (planted.some((secret) => line.includes(secret)))
      history.write({ kind: 'answer', door: 'log line', owners: [], secret: true, text: line.slice(0, SHOWN) });
  }
  history.write({ kind: 'figure', name: 'log lines searched for secrets', value: lines.length, unit: 'lines' });
}
