import { describe, expect, test } from 'vitest';
import { describeExtrapolation, hasWholeEpoch } from '../../../../src/economics/record/extrapolated-epoch.ts';
import type { RunRecord } from '../../../../src/economics/record/run-record.ts';
import { summarize } from '../../../../src/economics/record/summarize.ts';
import { summarySchema } from '../../../../src/economics/record/summary.ts';
import { runRecord, workerRecord } from '../../../support/run-records.ts';

const [whole] = runRecord().epochs;
if (whole === undefined) throw new Error('the record has epochs');
/** A tenth of an epoch of 60,000 samples, which took 3 s, at $0.10 an hour. */
const part = { samples: 6000, trainSeconds: 3, workers: [workerRecord()] };
const cut = { ...part, epochs: [{ ...whole, samples: 6000, seconds: 3, cutShort: true as const }] };
const totals = { epoch: 0, samples: 6000, lossSum: 1, correct: 1, seconds: 3 };
const summaryOf = (record: Partial<RunRecord>) => {
  const summary = summarize(runRecord(record));
  return summarySchema.parse(JSON.parse(JSON.stringify(summary)));
};

describe('a whole epoch', () => {
  test.each([
    ['was cut short by --steps', cut],
    ['was interrupted', { ...part, epochs: [], openEpoch: totals }],
  ])('is extrapolated where the only one %s, and is called so', (_, record) => {
    const summary = summaryOf(record);
    expect(hasWholeEpoch(summary)).toBe(false);
    expect(summary.extrapolated_epoch).toEqual({
      samples: 6000,
      seconds: expect.closeTo(30, 9),
      cost_usd: expect.closeTo((0.1 * 30) / 3600, 12),
    });
    expect(describeExtrapolation(summary)).toBe(
      'a whole epoch would take 30 s and $0.00083 (extrapolated from 6,000 of 60,000 samples)',
    );
  });

  test.each([
    ['was trained', {}],
    ['was trained before another was cut short', { epochs: [whole, { ...whole, epoch: 1, cutShort: true as const }] }],
    ['was trained, but not tested', { epochs: [], openEpoch: { ...totals, samples: 60_000 } }],
    ['was not even begun', { epochs: [], samples: 0, trainSeconds: 0 }],
  ])('is not extrapolated where one %s', (_, record) => {
    const summary = summaryOf(record);
    expect(summary).not.toHaveProperty('extrapolated_epoch');
    expect(describeExtrapolation(summary)).toBeUndefined();
  });

  test('has no cost where nobody has a price', () => {
    const free = summaryOf({ ...cut, workers: [workerRecord({ priceUsdPerHour: undefined })] });
    expect(describeExtrapolation(free)).toBe(
      'a whole epoch would take 30 s (extrapolated from 6,000 of 60,000 samples)',
    );
  });
});
