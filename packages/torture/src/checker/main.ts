/**
 * The checker, a separate program: node checker/main.ts HISTORY. It reads a history and prints its verdict as JSON. It
 * imports nothing of the code under test. Exit code 1 if a rule is violated.
 */
import { HistoryTail } from '../history/read-history.ts';
import { checkHistory } from './check-history.ts';

const [path] = process.argv.slice(2);
if (path === undefined) {
  console.error('Give the path of a history: node checker/main.ts HISTORY');
  process.exit(2);
}
using tail = new HistoryTail(path);
const checkResult = checkHistory([...tail.read()]);
process.stdout.write(`${JSON.stringify(checkResult)}\n`);
process.exitCode = checkResult.violations.length > 0 ? 1 : 0;
