import { describe, expect, test } from 'vitest';
import { describeBilling, describeRules } from '../../../../src/economics/record/billing-text.ts';
import type { RunRecord, WorkerRecord } from '../../../../src/economics/record/run-record.ts';
import { summarize } from '../../../../src/economics/record/summarize.ts';
import { fleetMember, runRecord, workerRecord } from '../../../support/run-records.ts';

/** Workers of 36 s at $3.60 an hour, unless told otherwise. */
const summaryOf = (workers: readonly Partial<WorkerRecord>[], overrides: Partial<RunRecord> = {}) =>
  summarize(
    runRecord({
      workers: workers.map((worker, rank) =>
        workerRecord({ workerId: `w${rank}`, rank, priceUsdPerHour: 3.6, ...worker }),
      ),
      ...overrides,
    }),
  );

describe('describeRules', () => {
  test.each([
    ['aws/a100/on-demand', 'AWS by the second, at least 60 s'],
    ['lambda/a100/on-demand', 'Lambda by the minute'],
    ['runpod/a100/on-demand', 'RunPod by the second'],
    ['acme/a100/on-demand', 'by the second where the provider has no known rule'],
    [undefined, 'by the second where the provider has no known rule'],
  ])('of a worker labelled %s', (gpu, rule) => {
    expect(describeRules(summaryOf([{ gpu }]).workers)).toBe(rule);
  });

  test('of a unit that is neither a second nor a minute', () => {
    const [worker] = summaryOf([{ gpu: 'aws/t4/spot' }]).workers;
    if (worker?.billing === undefined) throw new Error('no rule');
    const rounded = { ...worker, billing: { ...worker.billing, granularity_seconds: 300, minimum_seconds: 300 } };
    expect(describeRules([rounded])).toBe('AWS by the 300 s');
  });

  test('has each rule once, and none of workers without a price', () => {
    const [aws, runpod, lambda] = ['aws', 'runpod', 'lambda'].map((provider) => ({ gpu: `${provider}/t4/spot` }));
    const { workers } = summaryOf([{ ...aws }, { ...runpod }, { ...aws }, { ...lambda, priceUsdPerHour: undefined }]);
    expect(describeRules(workers)).toBe('AWS by the second, at least 60 s; RunPod by the second');
  });
});

describe('describeBilling', () => {
  test('says what the run is billed and by which rules', () => {
    // Each of the two is billed a minute at $0.001 a second.
    const gpu = 'gcp/t4/spot';
    expect(describeBilling(summaryOf([{ gpu }, { gpu }]))).toEqual(['Billed $0.12: GCP by the second, at least 60 s']);
  });

  test('without any price says no rule', () => {
    expect(describeBilling(summaryOf([{ priceUsdPerHour: undefined }]))).toEqual(['Billed $0.00']);
  });

  test('counts rentals where there were more than workers', () => {
    const formerWorkers = { costUsd: 0, billedUsd: 0.5, rentals: 2 };
    expect(describeBilling(summaryOf([{ gpu: 'vast/t4/spot' }], { formerWorkers }))).toEqual([
      'Billed $0.54 for 3 separate rentals: Vast by the second',
    ]);
    const { rentals: _, ...older } = summaryOf([{ gpu: 'vast/t4/spot' }]);
    expect(describeBilling(older)).toEqual(['Billed $0.036: Vast by the second']);
  });

  test('says that rules are the last ones where the fleet changed on the way', () => {
    const fleets = [
      { step: 0, members: [fleetMember()] },
      { step: 7, members: [fleetMember(), fleetMember({ workerId: 'w1' })] },
    ];
    expect(describeBilling(summaryOf([{ gpu: 'vast/t4/spot' }], { fleets }))).toEqual([
      'Billed $0.036; the latest ones Vast by the second',
    ]);
  });

  test('has where looked-up prices are from, each once', () => {
    const looked = { gpu: 'vast/t4/spot', priceOrigin: { source: 'vast.ai', date: '2026-09' } };
    const lines = describeBilling(
      summaryOf([
        looked,
        looked,
        { gpu: 'vast/l4/spot' },
        { ...looked, gpu: 'own/t4/spot', priceUsdPerHour: undefined },
      ]),
    );
    expect(lines.slice(1)).toEqual(['Price of vast/t4/spot: $3.60 an hour, 2026-09, vast.ai']);
  });
});
