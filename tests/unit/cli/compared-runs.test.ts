import { cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readRuns } from '../../../src/cli/compared-runs.ts';
import { writeSweep } from '../../../src/sweep/sweep-file.ts';
import { comparedRun } from '../../support/compared-runs.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

function writeRun(folder: string, runId: string): string {
  const { summary } = comparedRun({ workers: [{ backend: 'wasm' }], rate: 1000, batch: 64, record: { runId } });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'summary.json'), JSON.stringify(summary));
  return folder;
}

function readWithWarnings(folders: readonly string[], sweep?: string) {
  const warnings: string[] = [];
  const runs = readRuns(folders, sweep, (line) => warnings.push(line));
  return { folders: runs.map(({ folder }) => folder), warnings };
}

test('a run counts once, however it is named; a copy of it is warned of', () => {
  const root = temporaryFolder();
  const a = writeRun(join(root, 'a'), 'run-a');
  const b = writeRun(join(root, 'b'), 'run-b');
  symlinkSync(a, join(root, 'link'));
  expect(readWithWarnings([a, `${a}/`, join(root, 'link'), join(root, 'b', '..', 'a'), b])).toEqual({
    folders: [a, b],
    warnings: [],
  });
  const copy = join(root, 'copy');
  cpSync(a, copy, { recursive: true });
  expect(readWithWarnings([a, copy])).toEqual({
    folders: [a],
    warnings: [`${copy} is a copy of ${a} (run run-a) and is left out`],
  });
});

test('a sweep is not taken for a run, and is read without the runs whose folders are gone', () => {
  const sweep = temporaryFolder();
  const runs = ['r1', 'r2'].map((folder, index) => ({ folder, point: 'p', round: index + 1, seconds: 1 }));
  for (const { folder } of runs) writeRun(join(sweep, folder), folder);
  writeSweep(sweep, {
    format: 1,
    created_at: '2025-06-01T00:00:00Z',
    args: [],
    points: [],
    repeats: 2,
    runs,
    machine: { cpu: 'x', cores: 2, node: 'v20', pennygrad: '0.1.0' },
  });
  expect(() => readRuns([sweep], undefined)).toThrow(`${sweep}: is a sweep, not a run; name it with --sweep ${sweep}`);
  rmSync(join(sweep, 'r1'), { recursive: true });
  expect(readWithWarnings([], sweep)).toEqual({
    folders: [join(sweep, 'r2')],
    warnings: [`${join(sweep, 'r1')} has lost its summary.json and is left out`],
  });
  rmSync(join(sweep, 'r2'), { recursive: true });
  expect(() => readWithWarnings([], sweep)).toThrow('none of its runs has a summary.json left');
});
