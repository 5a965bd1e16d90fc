// Runs the README's test command and writes the counts to the file given. Test files that fail are run once more, alone, because
// a busy machine can fail a test of timing: a file that passes then is named as unsteady, and counts as passed.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';

/** More failed files than this have a common cause, which a second run only hides. */
const MAX_UNSTEADY_FILES = 3;

const folder = mkdtempSync(join(tmpdir(), 'intendant-ci-'));

/** Runs `npm test` for these files, or all; without a report the run did not get as far as its tests. */
function runTests(name, files) {
  const report = join(folder, `${name}.json`);
  const { status } = spawnSync('npm', ['test', ...(files.length === 0 ? [] : ['--', ...files])], {
    stdio: 'inherit',
    env: { ...process.env, INTENDANT_TEST_REPORT: report },
  });
  return { isGreen: status === 0, report: readReport(report) };
}

function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return { numPassedTests: 0, numFailedTests: 0, numFailedTestSuites: 0, testResults: [] };
  }
}

const isFailed = ({ status }) => status === 'failed';

/** A run can also fail without a failed test: a file that could not be loaded, or an error outside of the tests, counts as one. */
function count({ isGreen, report }) {
  const failed = isGreen ? 0 : report.numFailedTests || report.numFailedTestSuites || 1;
  return { passed: report.numPassedTests, failed };
}

/** Counts of the first run, with the second's in place of those of the files that were run again. */
function countTogether(first, second) {
  const steady = first.report.testResults.filter((file) => !isFailed(file)).flatMap((file) => file.assertionResults);
  return {
    passed: steady.filter(({ status }) => status === 'passed').length + second.report.numPassedTests,
    failed: 0,
  };
}

function main() {
  const first = runTests('first', []);
  const failed = first.report.testResults.filter(isFailed).map(({ name }) => relative(process.cwd(), name));
  if (first.isGreen || failed.length > MAX_UNSTEADY_FILES) return count(first);

  console.log(`Running again: ${failed.join(', ') || 'everything, because the error belongs to no test file'}`);
  const second = runTests('second', failed);
  if (failed.length === 0) return count(second);
  if (!second.isGreen) return count(first);
  for (const file of failed) console.log(`unsteady: ${file} failed beside the other tests and passed alone`);
  return countTogether(first, second);
}

try {
  const { passed, failed } = main();
  writeFileSync(process.argv[2], `${passed} passed, ${failed} failed\n`);
  process.exitCode = failed === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
