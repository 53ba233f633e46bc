/** What the tests must not do, each by itself. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) =>
  /\.(test|contract)\.ts$/.test(name),
);

/** Names of files with what is not to be in them, this one excepted. */
function filesWith(pattern: RegExp): readonly string[] {
  return files
    .filter(
      (name) => name !== 'unit/architecture/suite.test.ts' && pattern.test(readFileSync(join(root, name), 'utf8')),
    )
    .sort();
}

it('no test is skipped but by tests/support/machine-parts.ts, which can be told to make an error of it', () => {
  expect(filesWith(/\b(it|test|describe)\.(skip|skipIf|runIf|todo|only)\b|\bctx\.skip\(/)).toEqual([]);
});

it('temporary folders are made by tests/support/temporary-folder.ts, which knows what is left in them', () => {
  expect(filesWith(/\bmkdtemp/)).toEqual([]);
});

it('a test waits for what happens, and a fixed while only where time is what it is about', () => {
  expect(filesWith(/\b(setTimeout|waitForTimeout|sleep)\(/)).toEqual([
    'chaos/suspension.test.ts',
    'contract/all-reduce.contract.ts',
    'integration/cost-increase.test.ts',
    'integration/dataset-cache.test.ts',
    'integration/mixed-workers.test.ts',
    'unit/coordinator/training/training.test.ts',
    'unit/worker/precise-sleep.test.ts',
  ]);
});
