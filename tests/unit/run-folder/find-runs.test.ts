import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { summarize } from '../../../src/economics/record/summarize.ts';
import { findRuns } from '../../../src/run-folder/find-runs.ts';
import { needs } from '../../support/machine-parts.ts';
import { runRecord, workerRecord } from '../../support/run-records.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

/** A folder with these runs in it, each with a ledger of as many bytes. */
function runsIn(root: string, runs: Readonly<Record<string, { readonly id: string; readonly ledger: number }>>): void {
  for (const [name, { id, ledger }] of Object.entries(runs)) {
    mkdirSync(join(root, name));
    writeFileSync(join(root, name, 'config.json'), JSON.stringify({ run_id: id }));
    writeFileSync(join(root, name, 'ledger.jsonl'), 'x'.repeat(ledger));
  }
}

test('a link that leads to itself is a problem of that link: the runs beside it are found', () => {
  const root = temporaryFolder();
  runsIn(root, { a: { id: 'a', ledger: 1 } });
  symlinkSync('loop', join(root, 'loop'));
  const { runs, problems } = findRuns([root]);
  expect(runs).toEqual([{ folder: join(root, 'a'), runId: 'a' }]);
  expect(problems).toEqual([expect.stringMatching(/\/loop: cannot be read: ELOOP/)]);
});

test('a ledger that cannot be looked at is a problem: the copy that has one counts', () => {
  const root = temporaryFolder();
  runsIn(root, { good: { id: 'same', ledger: 10 } });
  mkdirSync(join(root, 'bad'));
  writeFileSync(join(root, 'bad', 'config.json'), JSON.stringify({ run_id: 'same' }));
  symlinkSync('ledger.jsonl', join(root, 'bad', 'ledger.jsonl'));
  const { runs, problems } = findRuns([root]);
  expect(runs).toEqual([{ folder: join(root, 'good'), runId: 'same' }]);
  expect(problems).toEqual([
    expect.stringMatching(/bad\/ledger\.jsonl: cannot be read: ELOOP/),
    expect.stringMatching(/bad: a copy of .*good, run same; not counted/),
  ]);
});

test('a link that leads nowhere is no problem, and what a link leads to is found once', () => {
  const root = temporaryFolder();
  runsIn(root, { a: { id: 'a', ledger: 1 } });
  symlinkSync('gone', join(root, 'dangling'));
  symlinkSync('a', join(root, 'z'));
  expect(findRuns([root])).toEqual({ runs: [{ folder: join(root, 'a'), runId: 'a' }], copies: [], problems: [] });
});

const onLinux = await needs('linux');

onLinux.it('a link to the processes of this host costs one line, and leads no further', () => {
  const root = temporaryFolder();
  runsIn(root, { a: { id: 'a', ledger: 1 } });
  symlinkSync('/proc', join(root, 'p'));
  symlinkSync('/proc/self/task', join(root, 'q'));
  expect(findRuns([root])).toEqual({
    runs: [{ folder: join(root, 'a'), runId: 'a' }],
    copies: [],
    problems: ['p', 'q'].map((name) => `${join(root, name)}: leads into /proc, and is not searched`),
  });
});

test('a copy without its config.json is known by its summary.json', () => {
  const root = temporaryFolder();
  const summary = summarize({ ...runRecord(), workers: [workerRecord()] });
  runsIn(root, { a: { id: summary.run_id, ledger: 2 }, b: { id: summary.run_id, ledger: 1 } });
  writeFileSync(join(root, 'b', 'summary.json'), JSON.stringify(summary));
  rmSync(join(root, 'b', 'config.json'));
  expect(findRuns([root]).runs).toEqual([{ folder: join(root, 'a'), runId: summary.run_id }]);
});
