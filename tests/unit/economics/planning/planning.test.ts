import { describe, expect, test } from 'vitest';
import type { ComparedRun } from '../../../../src/economics/comparison/compared-fleets.ts';
import { compareRuns } from '../../../../src/economics/comparison/comparison.ts';
import { type PlanOptions, planRuns } from '../../../../src/economics/planning/planning.ts';
import { comparedRun, type TestKind } from '../../../support/compared-runs.ts';
import { runRecord } from '../../../support/run-records.ts';

const dear = { backend: 'wasm', price: 0.36 };

/**
 * Runs of workers whose step is exactly 0.1 ms a sample, 1 ms a worker more and 2 ms: 60,000 samples an epoch.
 * @param slower factor of all of these
 */
const runsOf = (kind: TestKind, slower = 1) =>
  [1, 2, 4].flatMap((workers) =>
    [50, 200].map((batch) => {
      const seconds = slower * ((1e-4 * batch) / workers + 1e-3 * (workers - 1) + 2e-3);
      // A test pass is shared out: with one worker it takes 2 s.
      const run = { rate: batch / seconds, batch, evaluateSeconds: 2 / workers };
      return comparedRun({ workers: Array(workers).fill(kind), ...run });
    }),
  );
const measured = runsOf(dear);
const plan = (options: Partial<PlanOptions> = {}, runs = measured) =>
  planRuns(runs, {
    epochs: 1,
    unmeasured: true,
    mostWorkers: undefined,
    targetSeconds: undefined,
    budgetUsd: undefined,
    offersOf: () => [],
    ...options,
  });

describe('planRuns', () => {
  test('says by what it chose, how sure that is, and what may be as good', () => {
    expect(plan().choice).toBeUndefined();
    const { chosen, choice, front } = plan({ targetSeconds: 1e6 });
    expect(choice).toMatchObject({ by: 'billed cost', surelyWithin: true });
    const lowest = Math.min(...front.map(({ billedUsd }) => billedUsd));
    expect(chosen?.billedUsd).toBe(lowest);
    for (const { billedIntervalUsd } of choice?.tied ?? []) expect(billedIntervalUsd?.[0]).toBeLessThanOrEqual(lowest);
    expect(plan({ budgetUsd: 1e6 }).choice?.by).toBe('time');
  });

  test('finds the terms again, and prices all the work from start-up to the last test pass', () => {
    const { models, front } = plan({ epochs: 3 });
    const [model] = models;
    expect(model?.model.computePerSample).toBeCloseTo(1e-4, 9);
    expect(model?.model.communicatePerWorker).toBeCloseTo(1e-3, 9);
    expect(model?.error.worst).toBeLessThan(1e-6);
    const alone = front.find(({ workers, globalBatchSize }) => workers === 1 && globalBatchSize === 200);
    // 300 steps of 22 ms and a test pass of 2 s, three times, between 3 s of start-up and 1 s at the end.
    const paid = 3 + 3 * (300 * 0.022 + 2) + 1;
    expect(alone?.usd).toBeCloseTo(paid * 1e-4, 9);
    // The coordinator began half a second earlier, which no worker is paid for.
    expect(alone?.seconds).toBeCloseTo(0.5 + paid, 6);
    const two = front.find(({ workers, globalBatchSize }) => workers === 2 && globalBatchSize === 200);
    expect(two?.seconds).toBeCloseTo(0.5 + 3 + 3 * (300 * 0.013 + 1) + 1, 6);
  });

  test('says how far off it is on the measured runs, in time and cost of a whole run', () => {
    const [exact] = plan().models;
    expect(exact?.timeError.worst).toBeLessThan(1e-6);
    expect(exact?.costError?.worst).toBeLessThan(1e-6);
    // One that took 3 s longer to start, of about 12 s, and paid for it.
    const [first, ...others] = measured;
    if (first === undefined) throw new Error('no runs');
    const [worker] = first.summary.workers;
    if (worker === undefined) throw new Error('no worker');
    const late = {
      ...worker,
      alive_seconds: worker.alive_seconds + 3,
      cost_usd: worker.cost_usd + 3e-4,
      seconds_by_category: { ...worker.seconds_by_category, startup: worker.seconds_by_category.startup + 3 },
    };
    const summary = {
      ...first.summary,
      workers: [late],
      seconds_to_first_step: 6.5,
      cost_usd_total: first.summary.cost_usd_total + 3e-4,
    };
    const [off] = plan({}, [{ ...first, summary }, ...others]).models;
    expect(off?.error.worst).toBeLessThan(1e-6);
    // Least squares give it half of the 3 s, or nearly so.
    expect(off?.costError?.worst).toBeGreaterThan(0.08);
    expect(off?.timeError.worst).toBeGreaterThan(0.08);
    expect(
      plan({ offersOf: () => [{ label: 'x', usdPerHour: 1 }] }, runsOf({ backend: 'wasm' })).models[0],
    ).toMatchObject({
      costError: undefined,
    });
  });

  test('in time the cheapest, under a budget the fastest; every other way is worse or does not meet it', () => {
    const mostWorkers = 4;
    const { front } = plan({ mostWorkers });
    for (const limit of front.map(({ seconds }) => seconds + 1e-9)) {
      const chosen = plan({ mostWorkers, targetSeconds: limit }).chosen;
      const usd = Math.min(...front.filter(({ seconds }) => seconds <= limit).map((way) => way.billedUsd));
      expect(chosen?.billedUsd).toBe(usd);
    }
    for (const limit of front.map(({ billedUsd }) => billedUsd + 1e-12)) {
      const chosen = plan({ mostWorkers, budgetUsd: limit }).chosen;
      expect(chosen?.seconds).toBe(
        Math.min(...front.filter(({ billedUsd }) => billedUsd <= limit).map((way) => way.seconds)),
      );
    }
    expect(front.length).toBeGreaterThan(1);
  });

  test('a way that takes exactly the target, or costs exactly the budget, meets it; nothing is chosen unasked', () => {
    const mostWorkers = 4;
    const { front, chosen } = plan({ mostWorkers });
    expect(chosen).toBeUndefined();
    for (const way of front) {
      expect(plan({ mostWorkers, targetSeconds: way.seconds }).chosen).toEqual(way);
      expect(plan({ mostWorkers, budgetUsd: way.billedUsd }).chosen).toEqual(way);
      expect(plan({ mostWorkers, targetSeconds: way.seconds, budgetUsd: way.billedUsd }).chosen).toEqual(way);
    }
  });

  test('a fleet beyond what was measured beats none that was, and is chosen only where no other will do', () => {
    const { front } = plan();
    const [five, four] = front;
    // Five have 0.1 s less than four, by a model that fits without any error.
    expect(five).toMatchObject({ workers: 5, basis: 'beyond measured', seconds: expect.closeTo(7.9, 9) });
    expect(four).toMatchObject({ workers: 4, basis: 'measured', seconds: expect.closeTo(8, 9) });
    expect(plan({ budgetUsd: 1 }).chosen).toEqual(four);
    expect(plan({ targetSeconds: 7.95 })).toMatchObject({ chosen: five, choice: { surelyWithin: false } });
    // Where all are free the fastest beats every other measured one, and five workers, which may be faster, not that one.
    const free = plan({ offersOf: () => [{ label: 'x', usdPerHour: 0 }] }).front;
    expect(free.map(({ workers, globalBatchSize }) => [workers, globalBatchSize])).toEqual([
      [5, 200],
      [4, 200],
    ]);
  });

  test('says what a way is of', () => {
    const { basis, front } = plan();
    expect(basis).toBe('modelled');
    expect(plan({ unmeasured: false }).basis).toBe('measured');
    const alone = front.find(({ workers }) => workers === 1);
    expect(alone).toMatchObject({ kind: 'wasm', fleet: '1 × wasm', offer: 'as measured', basis: 'measured' });
    expect(front.find(({ workers }) => workers === 2)?.fleet).toBe('2 × wasm');
  });

  test('gives every worker at least one sample of a step', () => {
    // Without communication more workers are always faster.
    const runs = [1, 2, 4].flatMap((workers) =>
      [20, 50].map((batch) => {
        const seconds = (1e-2 * batch) / workers + 2e-3;
        return comparedRun({ workers: Array(workers).fill(dear), rate: batch / seconds, batch });
      }),
    );
    expect(plan({ mostWorkers: 60 }, runs).front[0]).toMatchObject({ workers: 50, globalBatchSize: 50 });
  });

  test('goes to twice what was measured, marked, or as far as it is told', () => {
    const { front } = plan();
    expect(front.every(({ workers, basis }) => (basis === 'beyond measured') === workers > 4)).toBe(true);
    expect(Math.max(...plan({ mostWorkers: 2 }).front.map(({ workers }) => workers))).toBe(2);
  });

  test('takes the offers of a price table where a kind has any', () => {
    const offersOf = () => [
      { label: 'a/t4/spot', usdPerHour: 0.036 },
      { label: 'b/t4/spot', usdPerHour: 0.72 },
    ];
    expect(new Set(plan({ offersOf }).front.map(({ offer }) => offer))).toEqual(new Set(['a/t4/spot']));
  });

  test('refuses too few points, no price, and the impossible', () => {
    expect(() => plan({}, measured.slice(0, 3))).toThrow('wasm: a model needs at least 4 points');
    const { front } = plan();
    const [fastest, cheapest] = [front[0]?.seconds.toPrecision(3), front.at(-1)?.billedUsd.toPrecision(2)];
    expect(front.length).toBeGreaterThan(2);
    for (const impossible of [{ targetSeconds: 0.1 }, { budgetUsd: 1e-9 }]) {
      expect(() => plan(impossible)).toThrow(
        new RegExp(
          `no planned fleet meets that: the fastest takes ${fastest} s and the lowest bill is \\$${cheapest}; raise ${'budgetUsd' in impossible ? '--budget-usd' : '--target-seconds'}$`,
        ),
      );
    }
    expect(() => plan({ epochs: 2, budgetUsd: 1e-9 })).toThrow(/; raise --budget-usd, or train fewer --epochs$/);
    const free = runsOf({ backend: 'wasm' });
    expect(() => plan({}, free)).toThrow('none of the modelled workers has a price');
    expect(() => plan({ unmeasured: false }, free)).toThrow('none of the modelled workers has a price');
  });

  test('takes workers of a kind together whatever they cost, and says why kinds cannot be planned together', () => {
    const cheap = comparedRun({ workers: [{ backend: 'wasm', price: 0.036 }], rate: 50 / 0.007, batch: 50 });
    const mixed = comparedRun({ workers: [dear, { backend: 'cpu', price: 0.1 }], rate: 5000, batch: 50 });
    const { models, front, left } = plan({}, [...measured, cheap, mixed]);
    expect(models).toHaveLength(1);
    expect(left).toEqual([{ kind: 'wasm + cpu', reason: expect.stringContaining('with each kind in at least two') }]);
    expect(front.some(({ workers, usdPerHour }) => Math.abs(usdPerHour - workers * 0.036) < 1e-12)).toBe(true);
    expect(compareRuns([...measured, cheap, mixed]).points).toHaveLength(8);
  });

  test('fits nothing to a run that did not complete, and says so', () => {
    const failed = comparedRun({ workers: [dear], rate: 9, batch: 50, status: 'failed' });
    const { models, leftRuns } = plan({}, [...measured, failed]);
    expect(models[0]?.error.worst).toBeLessThan(1e-6);
    expect(leftRuns).toEqual([{ folder: failed.folder, reason: 'which failed' }]);
  });

  describe('by default', () => {
    const measuredOnly = (options: Partial<PlanOptions> = {}, runs = measured) =>
      plan({ unmeasured: false, ...options }, runs);

    test('plans only fleets that were measured at their batch size', () => {
      const runs = measured.filter(({ summary }) => !(summary.world_size === 4 && summary.global_batch_size === 200));
      const all = plan({}, runs);
      const { front, unmeasured, chosen } = measuredOnly({ budgetUsd: 1 }, runs);
      expect(all.front.map(({ workers, globalBatchSize, basis }) => [workers, globalBatchSize, basis])).toEqual(
        expect.arrayContaining([
          [4, 200, 'modelled'],
          [2, 200, 'measured'],
          [5, 200, 'beyond measured'],
        ]),
      );
      expect(front.every(({ basis }) => basis === 'measured')).toBe(true);
      // 8 fleets at two batches, of which 5 were measured.
      expect([all.unmeasured, unmeasured]).toEqual([0, 11]);
      expect(chosen).toMatchObject({ fleet: '2 × wasm', globalBatchSize: 200, basis: 'measured' });
      expect(plan({ budgetUsd: 1 }, runs).chosen).toMatchObject({ basis: 'modelled' });
    });

    test('says what to do where nothing measured is left or within the limits', () => {
      const runs = measured.filter(({ summary }) => summary.world_size > 1);
      const more = [50, 200].map((batch) => comparedRun({ workers: Array(3).fill(dear), rate: 3 * batch, batch }));
      expect(() => measuredOnly({ mostWorkers: 1 }, [...runs, ...more])).toThrow(
        'no measured fleet is so small: raise --max-workers, or pass --unmeasured to plan fleets by the model',
      );
      expect(() => measuredOnly({ epochs: 2, targetSeconds: 0.1 })).toThrow(
        /; raise --target-seconds, or train fewer --epochs, or pass --unmeasured to plan fleets by the model$/,
      );
      // Every fleet up to two was measured: the model has no other.
      const small = measured.filter(({ summary }) => summary.world_size < 4);
      expect(() => measuredOnly({ mostWorkers: 2, targetSeconds: 0.1 }, small)).toThrow(/; raise --target-seconds$/);
    });

    test('a measured fleet takes what it took itself, not what a model of the others makes of it', () => {
      // One point a tenth slower than the model of the others.
      const runs = measured.map((one, index) => {
        const { train_seconds } = one.summary;
        const workers = one.summary.workers.map((worker) => ({
          ...worker,
          alive_seconds: worker.alive_seconds + 0.1 * train_seconds,
          cost_usd: worker.cost_usd + 0.1 * train_seconds * 1e-4,
        }));
        return index === 3 ? { ...one, summary: { ...one.summary, train_seconds: 1.1 * train_seconds, workers } } : one;
      });
      const slow = runs[3]?.summary;
      if (slow === undefined) throw new Error('no run');
      const way = measuredOnly({}, runs).front.find(
        ({ workers, globalBatchSize }) => workers === slow.world_size && globalBatchSize === slow.global_batch_size,
      );
      expect(way?.seconds).toBeCloseTo(0.5 + 3 + slow.train_seconds + 1 + 1, 6);
    });
  });

  describe('bills', () => {
    const rented = (gpu: string): ComparedRun[] => runsOf({ ...dear, gpu });
    const ofOne = (runs: ComparedRun[], options: Partial<PlanOptions> = {}) => {
      const { front, billing } = plan({ unmeasured: false, mostWorkers: 1, ...options }, runs);
      return { way: front.find(({ globalBatchSize }) => globalBatchSize === 200), billing };
    };

    test('each worker by the rule of its provider, a minute at least or by the minute', () => {
      // 300 steps of 22 ms, a test pass of 2 s, and 4 s before and after: 12.6 s.
      const gcp = ofOne(rented('gcp/t4/spot'));
      expect(gcp.way?.usd).toBeCloseTo(12.6e-4, 9);
      expect(gcp.way?.billedUsd).toBeCloseTo(60e-4, 9);
      expect(gcp.billing.map(({ provider }) => provider)).toEqual(['GCP']);
      const unknown = ofOne(rented('t4'));
      expect(unknown.way?.billedUsd).toBeCloseTo(13e-4, 9);
      expect(unknown.billing).toEqual([]);
      // Ten epochs: 90 s.
      const lambda = ofOne(rented('lambda/t4/on-demand'), { epochs: 10 });
      expect(lambda.way?.usd).toBeCloseTo(90e-4, 9);
      expect(lambda.way?.billedUsd).toBeCloseTo(120e-4, 9);
    });

    test('offers by their own provider, whoever was measured', () => {
      const offersOf = () => [
        { label: 'gcp/t4/spot', usdPerHour: 0.1 },
        { label: 'runpod/t4/spot', usdPerHour: 0.36 },
      ];
      const { front, chosen } = plan(
        { unmeasured: false, offersOf, targetSeconds: 100, mostWorkers: 1 },
        rented('lambda/t4/on-demand'),
      );
      expect(front.map(({ offer, globalBatchSize }) => [offer, globalBatchSize])).toEqual([['runpod/t4/spot', 200]]);
      expect(chosen?.billedUsd).toBeCloseTo(13e-4, 9);
      // For a run of 96 s the lower price is the lower bill.
      expect(plan({ unmeasured: false, offersOf, epochs: 10, mostWorkers: 1 }, rented('t4')).front[0]).toMatchObject({
        offer: 'gcp/t4/spot',
        billedUsd: expect.closeTo((0.1 * 90) / 3600, 6),
      });
    });

    test('are explained by the rules of the ways on the front, though other kinds have prices of the same name', () => {
      // Both are 'as measured'. One that is a hundred times as dear is on no front.
      const slow = runsOf({ backend: 'cpu', price: 36, gpu: 'lambda/k80/on-demand' }, 3);
      const { front, offers, billing, billsUnknown } = plan({ unmeasured: false }, [...rented('gcp/t4/spot'), ...slow]);
      expect(new Set(front.map(({ kind }) => kind))).toEqual(new Set(['t4 wasm']));
      expect(offers).toEqual([{ label: 'as measured', usdPerHour: 0.36, billedAs: 'gcp/t4/spot' }]);
      expect(billing.map(({ provider }) => provider)).toEqual(['GCP']);
      expect(billsUnknown).toBe(false);
      expect(plan({}, rented('t4'))).toMatchObject({ billing: [], billsUnknown: true });
    });

    test('decide what is within a budget', () => {
      const runs = rented('gcp/t4/spot');
      expect(() => plan({ unmeasured: false, budgetUsd: 13e-4 }, runs)).toThrow(
        'the lowest bill is $0.0060; raise --budget-usd, or pass --unmeasured',
      );
      expect(plan({ unmeasured: false, budgetUsd: 60e-4 }, runs).chosen?.billedUsd).toBeCloseTo(60e-4, 9);
    });
  });

  describe('to an accuracy', () => {
    /** Two epochs of each run, by accuracies of its test passes. */
    const tested = (batch: number, workers: number, accuracies: readonly number[], rate = 1000) => {
      const [epoch] = runRecord().epochs;
      if (epoch === undefined) throw new Error('no epoch');
      const epochs = accuracies.map((testAccuracy, index) => ({
        ...epoch,
        epoch: index,
        testAccuracy,
        samples: 60_000,
        seconds: 60_000 / rate,
        evaluateSeconds: 1,
      }));
      return comparedRun({
        workers: Array(workers).fill(dear),
        rate,
        batch,
        folder: `b${batch}-w${workers}`,
        record: { epochs, milestones: [], samples: 60_000 * accuracies.length },
      });
    };
    const runs = [
      tested(50, 1, [0.9, 0.985]),
      tested(50, 2, [0.981, 0.99]),
      tested(200, 1, [0.9, 0.95]),
      tested(200, 2, [0.9, 0.982]),
      tested(400, 1, [0.9, 0.91]),
    ];

    test('plans the epochs that runs at that batch size needed, of all fleets, and names runs that did not reach it', () => {
      const { accuracy, front } = plan({ targetAccuracy: 0.98, unmeasured: false }, runs);
      expect(accuracy).toEqual({
        accuracy: 0.98,
        needed: [
          { globalBatchSize: 50, mean: 1.5, fewest: 1, most: 2, runs: 2 },
          { globalBatchSize: 200, mean: 2, fewest: 2, most: 2, runs: 1 },
        ],
        leftBatches: [400],
        missed: [
          { folder: 'b200-w1', bestAccuracy: 0.95 },
          { folder: 'b400-w1', bestAccuracy: 0.91 },
        ],
      });
      expect(new Set(front.map(({ globalBatchSize }) => globalBatchSize))).not.toContain(400);
      expect(plan({ unmeasured: false }, runs).accuracy).toBeUndefined();
    });

    test('refuses one that only runs without a model reached, and does not take it for a lack of prices', () => {
      const other = { backend: 'cpu', price: 0.1 };
      const [best] = [tested(800, 1, [0.9, 0.995])].map(({ folder, summary }) => ({
        folder,
        summary: { ...summary, workers: comparedRun({ workers: [other], rate: 1000, batch: 800 }).summary.workers },
      }));
      if (best === undefined) throw new Error('no run');
      expect(() => plan({ targetAccuracy: 0.995 }, [...runs, best])).toThrow(
        'no run of a modelled kind of workers with a price reached --target-accuracy 0.995 at a batch size of its model',
      );
    });

    test('offers no fewer epochs where the accuracy decides how many there are', () => {
      expect(() => plan({ targetAccuracy: 0.98, targetSeconds: 1 }, runs)).toThrow(
        /; raise --target-seconds, or name a lower --target-accuracy$/,
      );
    });

    test('refuses an accuracy that no run reached, and says how far they came', () => {
      expect(() => plan({ targetAccuracy: 0.995 }, runs)).toThrow(
        'no run reached --target-accuracy 0.995: the best is 99.00 %; train for more epochs, or name a lower one',
      );
      const untested = measured.map(({ folder, summary }) => ({ folder, summary: { ...summary, epochs: [] } }));
      expect(() => plan({ targetAccuracy: 0.5 }, untested)).toThrow('0.5: none had a test pass; train for more epochs');
    });
  });

  describe('of unlike workers', () => {
    const slow = { backend: 'cpu', price: 0.036 };
    /** A sample takes a fast worker 0.1 ms and a slow one 0.4 ms; 0.2 ms a worker more, 1 ms fixed. */
    const seconds = (fast: number, slower: number, batch: number) =>
      batch / (fast / 1e-4 + slower / 4e-4) + 2e-4 * (fast + slower - 1) + 1e-3;
    const fleets = [
      [1, 0],
      [0, 1],
      [1, 1],
      [1, 2],
      [1, 3],
    ] as const;
    const mixed = fleets.flatMap(([fast, slower]) =>
      [50, 200].map((batch) => {
        const workers = [...Array(fast).fill(dear), ...Array(slower).fill(slow)];
        const rate = batch / seconds(fast, slower, batch);
        return comparedRun({ workers, rate, batch, evaluateSeconds: tested(fast, slower) });
      }),
    );
    /** A test image takes each twice as long as a sample; the images are shared out by speed. */
    function tested(fast: number, slower: number): number {
      return 20_000 / (fast / 1e-4 + slower / 4e-4);
    }

    test("finds each kind's speed, and plans fleets that mix them", () => {
      const { models, mixed: fitted, left, front } = plan({}, mixed);
      expect(models).toEqual([]);
      expect(left).toEqual([]);
      expect(fitted).toHaveLength(1);
      const [fit] = fitted;
      expect(fit?.kinds).toEqual(['wasm', 'cpu']);
      expect(fit?.points).toBe(10);
      expect(fit?.model.computePerSample[0]).toBeCloseTo(1e-4, 7);
      expect(fit?.model.computePerSample[1]).toBeCloseTo(4e-4, 7);
      expect(fit?.error.worst).toBeLessThan(1e-4);
      expect(fit?.error.worstForetold).toBeLessThan(1e-3);
      const way = plan({ mostWorkers: 4 }, mixed).front.find(({ fleet }) => fleet === '1 × wasm + 3 × cpu');
      // 300 steps of 200 samples, a test pass, and what is before and after.
      expect(way?.globalBatchSize).toBe(200);
      expect(way?.seconds).toBeCloseTo(0.5 + 3 + 300 * seconds(1, 3, 200) + tested(1, 3) + 1, 2);
      expect(way?.usdPerHour).toBeCloseTo(0.36 + 3 * 0.036, 9);
      expect(front.some(({ basis }) => basis === 'beyond measured')).toBe(true);
    });

    test('no fleet on the front is beaten by one with other numbers of workers', () => {
      const { front } = plan({ mostWorkers: 5 }, mixed);
      for (let fast = 0; fast <= 5; fast++) {
        for (let slower = 0; slower <= 5 - fast; slower++) {
          if (fast + slower === 0) continue;
          const paid = 4 + 300 * seconds(fast, slower, 200) + tested(fast, slower);
          const usd = (paid * (fast * 0.36 + slower * 0.036)) / 3600;
          expect(front.some((way) => way.seconds > (0.5 + paid) * 1.001 && way.usd > usd * 1.001)).toBe(false);
        }
      }
    });

    test('its errors are of whole runs, and no fleet is larger than it is told', () => {
      const { mixed: fitted, front } = plan({ mostWorkers: 3 }, mixed);
      expect(fitted[0]?.timeError.worst).toBeLessThan(1e-3);
      expect(fitted[0]?.costError?.worst).toBeLessThan(1e-3);
      expect(fitted[0]).toMatchObject({ measuredWorkers: [1, 2, 3, 4], batches: [50, 200] });
      expect(Math.max(...front.map(({ workers }) => workers))).toBe(3);
      expect(Math.min(...front.map(({ workers }) => workers))).toBe(1);
      // The slow ones cost the least for their speed.
      expect(front.map(({ fleet }) => fleet)).toContain('1 × cpu');
    });

    test('each worker has the lowest price of its kind, and a way says where its prices are from', () => {
      const offersOf = ({ name }: { readonly name: string }) => [
        { label: `dear/${name}`, usdPerHour: 9 },
        { label: `low/${name}`, usdPerHour: name === 'wasm' ? 0.36 : 0.036 },
      ];
      const { front } = plan({ mostWorkers: 4, offersOf }, mixed);
      expect(front.find(({ fleet }) => fleet === '1 × wasm + 3 × cpu')).toMatchObject({
        kind: 'wasm + cpu',
        offer: 'low/wasm + low/cpu',
        usdPerHour: expect.closeTo(0.36 + 3 * 0.036, 9),
      });
      expect(plan({ mostWorkers: 4 }, mixed).front.find(({ workers }) => workers === 4)?.offer).toBe('as measured');
    });

    test('only kinds that have a price are planned', () => {
      const offersOf = ({ name }: { readonly name: string }) =>
        name === 'wasm' ? [{ label: 'a', usdPerHour: 1 }] : [];
      const free = { backend: 'cpu' };
      const unpriced = fleets.flatMap(([fast, slower]) =>
        [50, 200].map((batch) => {
          const workers = [...Array(fast).fill(dear), ...Array(slower).fill(free)];
          return comparedRun({ workers, rate: batch / seconds(fast, slower, batch), batch });
        }),
      );
      expect(new Set(plan({ offersOf }, unpriced).front.map(({ kind }) => kind))).toEqual(new Set(['wasm']));
    });

    test('gives every worker at least one sample of a step', () => {
      const ideal = fleets.flatMap(([fast, slower]) =>
        [2, 5].map((batch) => {
          const workers = [...Array(fast).fill(dear), ...Array(slower).fill(slow)];
          return comparedRun({ workers, rate: 1 / (1 / (fast / 1e-2 + slower / 4e-2) + 1e-3 / batch), batch });
        }),
      );
      const { front } = plan({ mostWorkers: 7 }, ideal);
      expect(Math.max(...front.map(({ workers }) => workers))).toBe(5);
    });

    test('fleets of equals are of the own model of their kind, though the joint one makes them faster', () => {
      const own = [2, 3].flatMap((workers) =>
        [50, 200].map((batch) =>
          comparedRun({
            workers: Array(workers).fill(dear),
            rate: batch / seconds(workers, 0, batch),
            batch,
            evaluateSeconds: tested(workers, 0),
          }),
        ),
      );
      const quick = fleets
        .filter(([, slower]) => slower > 0)
        .flatMap(([fast, slower]) =>
          [50, 200].map((batch) => {
            const workers = [...Array(fast).fill(dear), ...Array(slower).fill(slow)];
            const rate = (1.5 * batch) / seconds(fast, slower, batch);
            return comparedRun({ workers, rate, batch, evaluateSeconds: tested(fast, slower) });
          }),
        );
      const { front } = plan({ mostWorkers: 3 }, [...mixed.slice(0, 2), ...own, ...quick]);
      const equals = front.filter(({ kind }) => kind === 'wasm');
      expect(equals.length).toBeGreaterThan(0);
      expect(front.map(({ kind }) => kind)).toContain('wasm + cpu');
      for (const way of equals) {
        const steps = (60_000 / way.globalBatchSize) * seconds(way.workers, 0, way.globalBatchSize);
        expect(way.seconds).toBeCloseTo(0.5 + 3 + steps + tested(way.workers, 0) + 1, 3);
      }
    });

    test('a kind with points of its own keeps its own model for fleets of equals', () => {
      const own = [2, 3].flatMap((workers) =>
        [50, 200].map((batch) =>
          comparedRun({ workers: Array(workers).fill(dear), rate: batch / seconds(workers, 0, batch), batch }),
        ),
      );
      const { models, mixed: fitted } = plan({}, [...mixed, ...own]);
      expect(models.map(({ kind, points }) => [kind, points])).toEqual([['wasm', 6]]);
      expect(fitted.map(({ points }) => points)).toEqual([14]);
      expect(models[0]?.model.computePerSample).toBeCloseTo(1e-4, 9);
    });
  });
});
