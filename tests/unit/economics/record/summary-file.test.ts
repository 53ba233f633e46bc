import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { kindOf } from '../../../../src/economics/comparison/worker-kind.ts';
import { summarize } from '../../../../src/economics/record/summarize.ts';
import { readSummary, tryReadSummary } from '../../../../src/economics/record/summary-file.ts';
import { runRecord, workerRecord } from '../../../support/run-records.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const folderWith = (summary: unknown) => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'summary.json'), JSON.stringify(summary));
  return folder;
};

const labelled = (gpu: string) => summarize({ ...runRecord(), workers: [workerRecord({ gpu })] });

describe('readSummary', () => {
  it('takes workers of older runs for the same kind, however their label was typed', () => {
    const kinds = ['gcp/T4/spot', 'gcp/t4/spot'].map((gpu) => {
      const [worker] = readSummary(folderWith(labelled(gpu))).workers;
      return worker && kindOf(worker);
    });
    expect(kinds[0]).toMatchObject({ gpu: 't4' });
    expect(kinds[0]).toEqual(kinds[1]);
  });

  it('says the first thing that is wrong with a file, and how much more is', () => {
    expect(() => readSummary(folderWith({}))).toThrow(
      /not a summary of this version: run_id: Invalid input: [^:;]* \(and \d\d more\)$/,
    );
    const { seed: _, ...rest } = labelled('t4');
    expect(() => readSummary(folderWith(rest))).toThrow(/this version: seed: Invalid input: [^()]*$/);
  });

  it('tells a folder that is not there from one without a summary, and from one that is no JSON', () => {
    const folder = folderWith(labelled('t4'));
    const missing = join(folder, 'missing');
    const isBadInput = (message: string) =>
      expect.objectContaining({ code: 'bad-input', message: expect.stringContaining(message) }) as Error;
    expect(() => readSummary(missing)).toThrow(isBadInput(`${missing}: no such folder`));
    writeFileSync(join(folder, 'summary.json'), '{');
    expect(() => readSummary(folder)).toThrow(
      isBadInput(`${join(folder, 'summary.json')}: not a summary of this version`),
    );
    rmSync(join(folder, 'summary.json'));
    expect(() => readSummary(folder)).toThrow(isBadInput(`${folder}: has no summary.json`));
  });
});

it('tryReadSummary gives what there is to read, and nothing instead of an error', () => {
  const folder = folderWith(labelled('t4'));
  expect(tryReadSummary(folder)).toEqual(readSummary(folder));
  expect(tryReadSummary(join(folder, 'missing'))).toBeUndefined();
});
