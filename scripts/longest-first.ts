import { readFileSync } from 'node:fs';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Starts the files first that take long: tests of whole programs, and tests whose size depends on the kind of run. In a
 * first run vitest knows no durations and goes by the size of the files, and the last worker would be busy for half a minute
 * while the others have nothing left to do.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const { long = [], short = [] } = Object.groupBy(sorted, ({ moduleId }) => (isLong(moduleId) ? 'long' : 'short'));
    return [...long, ...short];
  }
}

const isLong = (file: string): boolean =>
  file.endsWith('.e2e.spec.ts') || readFileSync(file, 'utf8').includes('atScale(');
