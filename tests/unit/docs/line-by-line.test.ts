/**
 * The table in docs/comparing.md that recomputes a sweep line by line. Each line is computed here from the fields of
 * `summary.json` by plain arithmetic, must stand in the page, and must be what `compare` and `plan` say.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { ComparedRun } from '../../../src/economics/comparison/compared-fleets.ts';
import { compareRuns } from '../../../src/economics/comparison/comparison.ts';
import { planRuns } from '../../../src/economics/planning/planning.ts';
import { summarySchema } from '../../../src/economics/record/summary.ts';

const near = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const page = readFileSync(near('../../../docs/comparing.md'), 'utf8');
/** Twelve runs of the sweep in the page: fleets of one and two workers, batches of 64 and 256, three rounds. */
const runs: readonly ComparedRun[] = readFileSync(near('../../support/recorded-sweep.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line))
  .map(({ folder, summary }) => ({ folder, summary: summarySchema.parse(summary) }));

const price = 0.020106;
const point = (name: string) => runs.filter(({ folder }) => folder.startsWith(name)).map(({ summary }) => summary);
const rates = (name: string) => point(name).map(({ samples_per_second }) => samples_per_second);
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const mean = (values: readonly number[]) => sum(values) / values.length;
const logs = (values: readonly number[]) => values.map(Math.log);
const geometric = (values: readonly number[]) => Math.exp(mean(logs(values)));
/** Sample standard deviation of the logarithms. */
const spread = (values: readonly number[]) => {
  const centre = mean(logs(values));
  return Math.sqrt(sum(logs(values).map((log) => (log - centre) ** 2)) / (values.length - 1));
};
/** Two-sided 95 % points of Student's t, by degrees of freedom, from any table. */
const t: Readonly<Record<number, number>> = { 2: 4.303, 3: 3.182, 8: 2.306 };
const digits = (value: number, count = 4) => String(Number(value.toPrecision(count)));
const usd = (value: number) => `$${digits(value)}`;

/** Welch's interval of the ratio of two geometric means. */
function ratio(a: readonly number[], b: readonly number[]) {
  const [va, vb] = [spread(a) ** 2 / a.length, spread(b) ** 2 / b.length];
  const degrees = Math.floor((va + vb) ** 2 / (va ** 2 / (a.length - 1) + vb ** 2 / (b.length - 1)));
  const reach = (t[degrees] ?? Number.NaN) * Math.sqrt(va + vb);
  const value = geometric(a) / geometric(b);
  return { value, error: Math.sqrt(va + vb), degrees, low: value / Math.exp(reach), high: value * Math.exp(reach) };
}

const one = rates('w1-b64');
const two = rates('w2-b64');
const [rateOfOne, rateOfTwo] = [geometric(one), geometric(two)];
const reach = ((t[2] ?? 0) * spread(one)) / Math.sqrt(3);
const gain = ratio(two, one);
const best = ratio(rates('w1-b256'), two);

/** Start-up, mean over a run's workers; what is before it; each from the ledger. */
const startups = (name: string) =>
  point(name).map(({ workers }) => mean(workers.map(({ seconds_by_category }) => seconds_by_category.startup)));
const leads = (name: string) =>
  point(name).map(({ seconds_to_first_step }, index) => (seconds_to_first_step ?? 0) - (startups(name)[index] ?? 0));
const firstSeconds = point('w1-b64').map(({ epochs: [epoch] }, index) => {
  const [lead, startup] = [leads('w1-b64')[index] ?? 0, startups('w1-b64')[index] ?? 0];
  return lead + startup + (epoch?.seconds ?? 0) + (epoch?.evaluate_seconds ?? 0);
});
const firstReach = ((t[2] ?? 0) * spread(firstSeconds)) / Math.sqrt(3);

/** What `plan` plans for a point: its own mean step, and start-up, test passes and end as fitted to all runs. */
const all = ['w1-b64', 'w1-b256', 'w2-b64', 'w2-b256'];
const alive = (name: string) =>
  point(name).map(({ workers }) => mean(workers.map(({ alive_seconds }) => alive_seconds)));
const ends = (name: string) =>
  point(name).map(
    ({ train_seconds, epochs }, index) =>
      (alive(name)[index] ?? 0) -
      (startups(name)[index] ?? 0) -
      train_seconds -
      sum(epochs.map(({ evaluate_seconds }) => evaluate_seconds)),
  );
const startupOf = (workers: number) => mean([`w${workers}-b64`, `w${workers}-b256`].flatMap(startups));
const lead = mean(all.flatMap(leads));
const end = mean(all.flatMap(ends));
const perImage = mean(
  runs.flatMap(({ summary }) => summary.epochs.map((epoch) => (epoch.evaluate_seconds * summary.world_size) / 10_000)),
);
const step = (name: string) => geometric(point(name).map(({ train_seconds, steps }) => train_seconds / steps));
const paid = (workers: number, batch: number, epochs = 2) =>
  startupOf(workers) +
  epochs * (Math.ceil(60_000 / batch) * step(`w${workers}-b${batch}`) + (10_000 * perImage) / workers) +
  end;
const misses = [1, 2].flatMap((workers) =>
  [64, 256].flatMap((batch) =>
    point(`w${workers}-b${batch}`).map(({ workers: own }, index) => {
      const measured = (leads(`w${workers}-b${batch}`)[index] ?? 0) + Math.max(...own.map((one) => one.alive_seconds));
      return Math.log((lead + paid(workers, batch)) / measured);
    }),
  ),
);
const off = Math.sqrt(sum(misses.map((miss) => miss ** 2)) / 8);
const range = Math.exp((t[8] ?? 0) * off * Math.sqrt(1 + 1 / 3));
const seconds = lead + paid(1, 256);

const lines: readonly (readonly [figure: string, arithmetic: string, result: string])[] = [
  [
    'samples/s of 1 × e2 wasm, batch 64',
    `exp of the mean of ln ${one.map((rate) => digits(rate)).join(', ln ')}`,
    digits(rateOfOne),
  ],
  [
    'its interval',
    `${digits(rateOfOne)} × exp(± t(2) s / √3), s = ${digits(spread(one))}, t(2) = 4.303`,
    `${digits(rateOfOne / Math.exp(reach))} to ${digits(rateOfOne * Math.exp(reach))}`,
  ],
  ['its s/epoch', `60,000 / ${digits(rateOfOne)}`, digits(60_000 / rateOfOne)],
  ['its $/epoch', `${digits(60_000 / rateOfOne)} s × $0.020106 / 3,600 s`, usd((60_000 / rateOfOne) * (price / 3600))],
  [
    'its `run` and `billed`',
    `means of ${point('w1-b64')
      .map(({ cost_usd_total }) => usd(cost_usd_total))
      .join(', ')} (\`cost_usd_total\`) and of ${point('w1-b64')
      .map(({ billed_usd_total }) => usd(billed_usd_total))
      .join(', ')} (\`billed_usd_total\`)`,
    `${usd(mean(point('w1-b64').map(({ cost_usd_total }) => cost_usd_total)))} and ${usd(mean(point('w1-b64').map(({ billed_usd_total }) => billed_usd_total)))}`,
  ],
  [
    'samples/s of 2 × e2 wasm, batch 64',
    `the same of ${two.map((rate) => digits(rate)).join(', ')}`,
    digits(rateOfTwo),
  ],
  ['its strong efficiency', `${digits(rateOfTwo)} / (2 × ${digits(rateOfOne)})`, digits(rateOfTwo / rateOfOne / 2)],
  ['speed that the second worker adds', `${digits(rateOfTwo)} / ${digits(rateOfOne)} − 1`, digits(gain.value - 1)],
  [
    'its interval',
    `${digits(gain.value)} × exp(± t(${gain.degrees}) × ${digits(gain.error)}) − 1; t(${gain.degrees}) = ${t[gain.degrees]}, ${digits(gain.error)}² is the sum of s² / 3 of both`,
    `${digits(gain.low - 1)} to ${digits(gain.high - 1)}`,
  ],
  ['cost that it adds', '$0.040212 / $0.020106 − 1', '1'],
  ['its break-even price', `$0.020106 × ${digits(gain.value - 1)}`, usd(price * (gain.value - 1)).replace('$-', '−$')],
  [
    'its interval',
    `$0.020106 × ${digits(gain.low - 1)} and × ${digits(gain.high - 1)}`,
    `${usd(price * (gain.low - 1)).replace('$-', '−$')} to ${usd(price * (gain.high - 1))}`,
  ],
  ['verdict at $0.020106', 'the price lies within that interval', 'uncertain'],
  [
    'is 2 × e2 wasm, batch 64, beaten by 1 × e2 wasm, batch 256?',
    `samples/s of the latter ${rates('w1-b256')
      .map((rate) => digits(rate))
      .join(
        ', ',
      )}: ratio of the times ${digits(1 / best.value)} × exp(± t(${best.degrees}) × ${digits(best.error)}), ${digits(1 / best.high)} to ${digits(1 / best.low)}`,
    'no: it reaches beyond 1, so it is on the front',
  ],
  [
    'seconds to 97.8 % of 1 × e2 wasm, batch 64',
    `mean of ln of start-up + epoch 1 + its test pass: ${firstSeconds.map((value) => digits(value)).join(', ')}`,
    `${digits(geometric(firstSeconds))} (${digits(geometric(firstSeconds) / Math.exp(firstReach))} to ${digits(geometric(firstSeconds) * Math.exp(firstReach))})`,
  ],
  [
    '`plan`: time before the workers start, start-up of one, test image, end',
    'means over all runs, in seconds',
    [lead, startupOf(1), perImage, end].map((value) => digits(value)).join(', '),
  ],
  [
    '`plan`: two epochs on 1 × e2 wasm, batch 256',
    `${digits(lead)} + ${digits(startupOf(1))} + 2 × (235 × ${digits(step('w1-b256'))} + 10,000 × ${digits(perImage)}) + ${digits(end)}`,
    `${digits(seconds)} s`,
  ],
  [
    'its accrued cost',
    `(${digits(seconds)} − ${digits(lead)}) s × $0.020106 / 3,600 s`,
    usd((price * paid(1, 256)) / 3600),
  ],
  [
    'its billed cost',
    `${Math.ceil(paid(1, 256))} s (GCP: whole seconds, at least 60) × $0.020106 / 3,600 s`,
    usd((price * Math.ceil(paid(1, 256))) / 3600),
  ],
  [
    'spread of the repeats',
    `root of the sum of squares of ln(planned / measured) of all 12 runs (${misses.map((miss) => digits(miss)).join(', ')}) over 12 − 4 degrees`,
    digits(off),
  ],
  [
    'range of its time',
    `${digits(seconds)} × exp(± t(8) × ${digits(off)} × √(1 + 1/3)), t(8) = 2.306`,
    `${digits(seconds / range)} to ${digits(seconds * range)} s`,
  ],
];

describe('docs/comparing.md, line by line', () => {
  test.each(lines)('%s', (figure, arithmetic, result) => {
    const row = `| ${figure} | ${arithmetic} | ${result} |`;
    expect(page.includes(row), `${row} is not in docs/comparing.md`).toBe(true);
  });

  test('compare says the same', () => {
    const { points, growths, toAccuracy } = compareRuns(runs, { targetAccuracy: 0.978 });
    const found = (workers: number, batch: number) =>
      points.find((each) => each.workers === workers && each.globalBatchSize === batch);
    expect(found(1, 64)?.samplesPerSecond).toEqual({
      value: expect.closeTo(rateOfOne, 6),
      interval: [expect.closeTo(rateOfOne / Math.exp(reach), 6), expect.closeTo(rateOfOne * Math.exp(reach), 6)],
    });
    expect(found(1, 64)?.costPerEpochUsd).toBeCloseTo((60_000 / rateOfOne) * (price / 3600), 12);
    expect(found(2, 64)?.strong?.value).toBeCloseTo(rateOfTwo / rateOfOne / 2, 9);
    expect(found(2, 64)?.onFront).toBe(true);
    expect(found(2, 64)?.marginals[0]).toMatchObject({
      speedGain: expect.closeTo(gain.value - 1, 9),
      speedGainInterval: [expect.closeTo(gain.low - 1, 9), expect.closeTo(gain.high - 1, 9)],
      costIncrease: 1,
      breakEvenUsdPerHour: expect.closeTo(price * (gain.value - 1), 12),
      uncertain: true,
    });
    expect(growths).toHaveLength(2);
    const [first] = toAccuracy?.points ?? [];
    expect(first?.seconds.value).toBeCloseTo(geometric(firstSeconds), 6);
    expect(first?.seconds.interval?.[1]).toBeCloseTo(geometric(firstSeconds) * Math.exp(firstReach), 6);
  });

  test('plan says the same', () => {
    const { front } = planRuns(runs, {
      epochs: 2,
      unmeasured: false,
      mostWorkers: undefined,
      targetSeconds: undefined,
      budgetUsd: undefined,
      offersOf: () => [{ label: 'gcp/e2/spot', usdPerHour: price }],
    });
    const way = front.find(({ workers, globalBatchSize }) => workers === 1 && globalBatchSize === 256);
    expect(way?.seconds).toBeCloseTo(seconds, 6);
    expect(way?.usd).toBeCloseTo((price * paid(1, 256)) / 3600, 12);
    expect(way?.billedUsd).toBeCloseTo((price * Math.ceil(paid(1, 256))) / 3600, 12);
    expect(way?.secondsInterval).toEqual([expect.closeTo(seconds / range, 4), expect.closeTo(seconds * range, 4)]);
  });
});
