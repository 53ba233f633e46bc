import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { createMetrics } from '../../../../src/coordinator/metrics/metrics.ts';
import { byCategory, ledgerCategories, newAccount } from '../../../../src/economics/ledger/ledger.ts';
import {
  member,
  observedRun,
  observeRun,
  observeShortRun,
  savedCheckpoint,
  startedAtUnixMs,
  stepEvent,
} from '../../../support/observed-run.ts';
import { parseSamples, withoutRun } from '../../../support/scrape.ts';
import { budgetConfig } from '../../../support/settings.ts';

async function scrape({ application }: { readonly application: { metrics(): Promise<string> } }) {
  return withoutRun(parseSamples(await application.metrics()));
}

describe('the metrics of a run', () => {
  test('count steps, samples, bytes and rejected frames', async () => {
    const samples = await scrape(observeShortRun());
    expect(samples.get('pennygrad_steps_total')).toBe(2);
    expect(samples.get('pennygrad_samples_total')).toBe(128);
    expect(samples.get('pennygrad_allreduce_bytes_total{direction="received"}')).toBe(160);
    expect(samples.get('pennygrad_frames_rejected_total{reason="header"}')).toBe(1);
  });

  test('time steps, their phases and epochs', async () => {
    const samples = await scrape(observeShortRun());
    expect(samples.get('pennygrad_step_duration_seconds_sum')).toBe(2);
    expect(samples.get('pennygrad_step_phase_duration_seconds_count{phase="compute"}')).toBe(4);
    expect(samples.get('pennygrad_step_phase_duration_seconds_sum{phase="compute"}')).toBeCloseTo(2.2, 9);
    expect(samples.get('pennygrad_epoch_duration_seconds')).toBe(2);
    expect(samples.get('pennygrad_samples_per_second')).toBe(64);
    expect(samples.get('pennygrad_epoch')).toBe(1);
  });

  test('follow what is learned, by split', async () => {
    const samples = await scrape(observeShortRun());
    expect(samples.get('pennygrad_loss{split="train"}')).toBe(0.5);
    expect(samples.get('pennygrad_loss{split="test"}')).toBe(0.4);
    expect(samples.get('pennygrad_accuracy_ratio{split="train"}')).toBe(0.75);
    expect(samples.get('pennygrad_accuracy_ratio{split="test"}')).toBe(0.9);
  });

  test('say what each worker computes with, and its share of the step', async () => {
    const { metrics, observe } = observeRun();
    const wordy = { ...member(1), device: 'x'.repeat(4000), gpu: 'gcp/t4/spot' };
    observe({ type: 'generation', number: 1, members: [member(0), wordy], parameterCount: 10, reason: 'ready' });
    const [first, second] = stepEvent(0).members;
    if (first === undefined || second === undefined) throw new Error('a step of two members');
    observe(
      stepEvent(0, {
        members: [
          { ...first, samples: 48 },
          { ...second, samples: 16 },
        ],
      }),
    );
    const samples = await scrape(metrics);
    expect(samples.get('pennygrad_worker_info{worker="w0",engine="wasm",device="wasm, SIMD"}')).toBe(1);
    const device = 'x'.repeat(100);
    expect(samples.get(`pennygrad_worker_info{worker="w1",engine="wasm",device="${device}",gpu="gcp/t4/spot"}`)).toBe(
      1,
    );
    expect(samples.get('pennygrad_worker_share_ratio{worker="w0"}')).toBe(0.75);
    expect(samples.get('pennygrad_worker_share_ratio{worker="w1"}')).toBe(0.25);
  });

  test('charge waiting to the worker that was waited for', async () => {
    const samples = await scrape(observeShortRun());
    expect(samples.get('pennygrad_straggler_wait_seconds_total{worker="w0"}')).toBe(1);
    expect(samples.has('pennygrad_straggler_wait_seconds_total{worker="w1"}')).toBe(false);
  });

  test('sum costs to price × time alive, by what the time went to', async () => {
    const samples = await scrape(observeShortRun());
    const cost = (category: string) => samples.get(`pennygrad_cost_usd_total{worker="w1",category="${category}"}`) ?? 0;
    expect(cost('startup')).toBeCloseTo(0.002, 9);
    expect(cost('compute')).toBeCloseTo(0.0007, 9);
    expect(cost('wait')).toBeCloseTo(0.001, 9);
    expect(cost('evaluate')).toBeCloseTo(0.0005, 9);
    const categories = ['compute', 'communicate', 'wait', 'load', 'startup', 'evaluate', 'idle', 'wasted', 'other'];
    expect(categories.reduce((sum, category) => sum + cost(category), 0)).toBeCloseTo(4.5 * 0.001, 9);
    expect(samples.get('pennygrad_worker_price_usd_per_hour{worker="w0"}')).toBe(3.6);
    expect(samples.get('pennygrad_last_epoch_cost_usd')).toBeCloseTo(2 * 2 * 0.001, 9);
    // Two workers cost $0.002 a second, in which they train on 64 samples.
    expect(samples.get('pennygrad_cost_usd_per_thousand_samples')).toBeCloseTo((0.002 / 64) * 1000, 9);
  });

  test('begin the cost of a worker that is known with 0, before it has any', async () => {
    const expected = [
      { workerId: 'w0', hasPrice: true },
      { workerId: 'w1', hasPrice: false },
    ];
    const metrics = createMetrics({ ...observedRun, expected });
    const { observe } = metrics;
    const costs = async () => [...(await scrape(metrics))].filter(([series]) => series.includes('cost_usd_total'));
    const zeros = (worker: string) =>
      ledgerCategories.map((category) => [`pennygrad_cost_usd_total{worker="${worker}",category="${category}"}`, 0]);
    expect(await costs()).toEqual(zeros('w0'));
    observe({ type: 'worker-began', workerId: 'w2', at: 0, priceUsdPerHour: 1 });
    observe({ type: 'worker-began', workerId: 'w3', at: 0, priceUsdPerHour: undefined });
    expect(await costs()).toEqual([...zeros('w0'), ...zeros('w2')]);
  });

  test('go on, when the run does, with what it had cost', async () => {
    const usd = byCategory((category) => (category === 'compute' ? 0.5 : 0));
    const account = { ...newAccount, usd, priceUsdPerHour: undefined };
    const expected = [{ workerId: 'w0', hasPrice: true }];
    const carried = [{ workerId: 'w0', rank: 0, samples: 1, account, priceSinceUnixMs: 0 }];
    const metrics = createMetrics({ ...observedRun, expected, carried });
    const { observe } = metrics;
    const compute = 'pennygrad_cost_usd_total{worker="w0",category="compute"}';
    expect((await scrape(metrics)).get(compute)).toBe(0.5);
    observe({ type: 'worker-began', workerId: 'w0', at: 0, priceUsdPerHour: 3.6 });
    expect((await scrape(metrics)).get(compute)).toBe(0.5);
  });

  test('go on from what a resumed run had only where they say what it cost and how long its workers lived', async () => {
    const ones = byCategory(() => 1);
    const account = { ...newAccount, usd: ones, seconds: ones, endedBilledUsd: 9 };
    const carried = [{ workerId: 'w0', rank: 0, samples: 1, account, priceSinceUnixMs: 0 }];
    const metrics = createMetrics({ ...observedRun, carried });
    metrics.observe({ type: 'resumed', step: 5, samples: 320, epoch: undefined });
    const counters = (await metrics.application.getMetricsAsJSON()).filter(({ type }) => String(type) === 'counter');
    const goingOn = counters.filter(({ values }) => values.some(({ value }) => value > 0)).map(({ name }) => name);
    const named = ['pennygrad_worker_seconds_total', 'pennygrad_cost_usd_total', 'pennygrad_billed_usd_total'];
    expect(goingOn).toEqual(named);
    const [, documented = ''] =
      readFileSync(fileURLToPath(new URL('../../../../docs/observability.md', import.meta.url)), 'utf8').match(
        /\*\*Which counters go on\*\*:([^.]*)/,
      ) ?? [];
    expect([...documented.matchAll(/`(\w+)`/g)].map(([, name]) => name).sort()).toEqual(named.sort());
  });

  test('say what is planned, since when, and how it is trained', async () => {
    const { metrics, observe } = observeRun();
    const planned = await scrape(metrics);
    // Three epochs of 128 samples, 64 a step.
    expect(planned.get('pennygrad_planned_steps')).toBe(6);
    expect(planned.get('pennygrad_planned_epochs')).toBe(3);
    expect(planned.get('pennygrad_run_start_timestamp_seconds')).toBe(Date.UTC(2025, 5, 1, 12) / 1000);
    expect(planned.get('pennygrad_learning_rate')).toBe(0.001);
    const cut = createMetrics({ ...observedRun, training: { ...observedRun.training, steps: 3, lr: 0.5 } });
    const short = await scrape(cut);
    expect([short.get('pennygrad_planned_steps'), short.get('pennygrad_planned_epochs')]).toEqual([3, 2]);
    expect(short.get('pennygrad_learning_rate')).toBe(0.5);

    expect(planned.has('pennygrad_gradient_norm')).toBe(false);
    observe(stepEvent(0, { gradientNorm: 1.25 }));
    observe(stepEvent(1));
    expect((await scrape(metrics)).get('pennygrad_gradient_norm')).toBe(1.25);
  });

  test('say when the last checkpoint was written, and what it took', async () => {
    const { metrics, observe } = observeRun();
    const of = (samples: ReadonlyMap<string, number>) =>
      ['last_checkpoint_timestamp_seconds', 'checkpoint_duration_seconds'].map((name) =>
        samples.get(`pennygrad_${name}`),
      );
    expect(of(await scrape(metrics))).toEqual([undefined, undefined]);
    observe({ type: 'checkpoint-saved', step: 4, seconds: 0.25, unixMs: 1_748_779_200_500 });
    expect(of(await scrape(metrics))).toEqual([1_748_779_200.5, 0.25]);
  });

  test('say whether checkpoints and lines can be written, until the run has ended', async () => {
    const { metrics, observe } = observeRun();
    const names = ['checkpoint_failures_total', 'last_checkpoint_successful', 'run_files_writable'];
    const values = async () => {
      const samples = await scrape(metrics);
      return [...names, 'checkpoint_pause_seconds'].map((name) => samples.get(`pennygrad_${name}`));
    };
    const saved = (step: number) => observe({ type: 'checkpoint-saved', step, seconds: 0.25, unixMs: 0 });
    expect(await values()).toEqual([0, undefined, 1, undefined]);
    observe({ type: 'checkpoint', checkpoint: savedCheckpoint, seconds: 0.125 });
    saved(1);
    expect(await values()).toEqual([0, 1, 1, 0.125]);
    observe({ type: 'lines-waiting', reason: 'full' });
    for (const step of [2, 3]) observe({ type: 'checkpoint-failed', step, reason: 'full' });
    expect(await values()).toEqual([2, 0, 0, 0.125]);
    observe({ type: 'lines-written', lostBytes: 0 });
    saved(4);
    expect(await values()).toEqual([2, 1, 1, 0.125]);
    observe({ type: 'ended', status: 'completed', code: undefined });
    // The last accounts come after the end.
    observe({ type: 'lines-waiting', reason: 'full' });
    expect(await values()).toEqual([2, undefined, undefined, 0.125]);
  });

  test('count the time for which the run waits for workers, while it does', async () => {
    const { metrics, observe, pass } = observeRun();
    const waited = async () => (await scrape(metrics)).get('pennygrad_waiting_for_workers_seconds_total');
    pass(1);
    observe({ type: 'tick' });
    expect(await waited()).toBe(0);
    observe({ type: 'listening', endpoint: 'tcp://x' });
    pass(2.5);
    observe({ type: 'tick' });
    expect(await waited()).toBe(2.5);
    pass(0.25);
    observe({ type: 'generation', number: 1, members: [member(0)], parameterCount: 10, reason: 'ready' });
    pass(9);
    observe({ type: 'tick' });
    observe({ type: 'ended', status: 'completed', code: undefined });
    expect(await waited()).toBe(2.75);
  });

  test('say what each worker spent its time on, also one without a price, and go on where a run does', async () => {
    const seconds = byCategory((category) => (category === 'compute' ? 7 : 0));
    const carried = [{ workerId: 'w9', rank: 0, samples: 1, account: { ...newAccount, seconds }, priceSinceUnixMs: 0 }];
    const expected = [{ workerId: 'w0', hasPrice: false }];
    const metrics = createMetrics({ ...observedRun, carried, expected });
    const begun = await scrape(metrics);
    const of = (worker: string) =>
      ledgerCategories.map((category) =>
        begun.get(`pennygrad_worker_seconds_total{worker="${worker}",category="${category}"}`),
      );
    expect(of('w0')).toEqual(ledgerCategories.map(() => 0));
    expect(of('w9')).toEqual(ledgerCategories.map((category) => seconds[category]));

    const short = await scrape(observeShortRun());
    const spent = (category: string) => short.get(`pennygrad_worker_seconds_total{worker="w1",category="${category}"}`);
    expect(spent('startup')).toBe(2);
    expect(spent('compute')).toBeCloseTo(0.7, 9);
    expect(spent('wait')).toBeCloseTo(1, 9);
    expect(spent('evaluate')).toBeCloseTo(0.5, 9);
    // All of its life is somewhere.
    expect(ledgerCategories.reduce((sum, category) => sum + (spent(category) ?? 0), 0)).toBeCloseTo(4.5, 9);
  });

  test('keep the last whole epoch where --steps cuts one short, and what its test found', async () => {
    const { metrics, observe } = observeRun();
    observe({ type: 'generation', number: 1, members: [member(0, 3.6)], parameterCount: 10, reason: 'ready' });
    const learned = { loss: 0.5, accuracy: 0.75, testLoss: 0.4, samples: 64, evaluateSeconds: 1 };
    observe({ type: 'epoch', epoch: 0, ...learned, testAccuracy: 0.9, seconds: 10, usd: 0.01 });
    observe({ type: 'epoch', epoch: 1, ...learned, testAccuracy: 0.95, seconds: 1, usd: 0.001, cutShort: true });
    const samples = await scrape(metrics);
    expect(samples.get('pennygrad_last_epoch_cost_usd')).toBe(0.01);
    expect(samples.get('pennygrad_epoch_duration_seconds')).toBe(10);
    expect(samples.get('pennygrad_accuracy_ratio{split="test"}')).toBe(0.95);
  });

  test('say nothing of the cost of a worker without a price', async () => {
    const { metrics, observe } = observeRun();
    observe({ type: 'generation', number: 1, members: [member(0)], parameterCount: 10, reason: 'ready' });
    observe(stepEvent(0));
    observe({
      type: 'epoch',
      epoch: 0,
      loss: 0.5,
      accuracy: 0.75,
      testLoss: 0.4,
      testAccuracy: 0.9,
      samples: 64,
      seconds: 1,
      usd: 0,
      evaluateSeconds: 0.5,
    });
    const series = [...(await scrape(metrics)).keys()];
    expect(series.filter((name) => /cost|price/.test(name))).toEqual([]);
    expect(series).toContain('pennygrad_epoch_duration_seconds');
  });

  test('say nothing of an epoch before one has ended, nor what samples cost before there are some', async () => {
    const { metrics, observe } = observeRun();
    observe({ type: 'generation', number: 1, members: [member(0, 3.6)], parameterCount: 10, reason: 'ready' });
    observe({ type: 'epoch-begun', epoch: 0 });
    const unsaid = ['pennygrad_epoch_duration_seconds', 'pennygrad_last_epoch_cost_usd'];
    const perThousand = 'pennygrad_cost_usd_per_thousand_samples';
    const begun = await scrape(metrics);
    for (const name of [...unsaid, perThousand]) expect(begun.has(name), name).toBe(false);
    observe(stepEvent(0));
    const stepped = await scrape(metrics);
    for (const name of unsaid) expect(stepped.has(name), name).toBe(false);
    expect(stepped.get(perThousand)).toBeGreaterThan(0);
  });

  test('tell who is there', async () => {
    const { metrics, observe } = observeRun();
    observe({ type: 'generation', number: 1, members: [member(0), member(1)], parameterCount: 10, reason: 'ready' });
    observe({ type: 'worker-heard', workerId: 'w1', unixMs: 1_748_779_200_500 });
    const before = await scrape(metrics);
    expect(before.get('pennygrad_world_size')).toBe(2);
    expect(before.get('pennygrad_worker_last_heartbeat_timestamp_seconds{worker="w1"}')).toBe(1_748_779_200.5);
    observe({ type: 'worker-lost', workerId: 'w1', reason: 'silent', cause: 'killed' });
    observe({ type: 'worker-lost', workerId: 'a stranger', reason: 'silent', cause: 'killed' });
    const after = await scrape(metrics);
    expect(after.get('pennygrad_world_size')).toBe(1);
    expect(after.get('pennygrad_worker_up{worker="w0"}')).toBe(1);
    expect(after.get('pennygrad_worker_up{worker="w1"}')).toBe(0);
    expect(after.has('pennygrad_worker_up{worker="a stranger"}')).toBe(false);
  });

  test('count the processes that a worker had before this one', async () => {
    const { metrics, observe } = observeRun();
    const generation = { type: 'generation', number: 1, parameterCount: 10, reason: 'ready' } as const;
    observe({ ...generation, members: [member(0), member(1)] });
    observe({ ...generation, members: [member(0)] });
    observe({ ...generation, members: [member(0), { ...member(1), pid: 4711 }] });
    const samples = await scrape(metrics);
    expect(samples.get('pennygrad_worker_restarts_total{worker="w0"}')).toBe(0);
    expect(samples.get('pennygrad_worker_restarts_total{worker="w1"}')).toBe(1);
    expect(samples.get('pennygrad_worker_up{worker="w1"}')).toBe(1);
  });

  test('name the run, and its health follows it', async () => {
    const { metrics, observe } = observeRun();
    const info = [...(await scrape(metrics)).keys()].find((series) => series.startsWith('pennygrad_run_info'));
    expect(info).toContain('run_id="r1"');
    expect(info).toContain('model="cnn"');
    expect(metrics.health.read()).toEqual({ status: 'waiting', run_id: 'r1', epoch: 0, step: 0, world_size: 0 });
    observe({ type: 'generation', number: 1, members: [member(0)], parameterCount: 10, reason: 'ready' });
    observe({ type: 'epoch-begun', epoch: 2 });
    observe(stepEvent(41));
    expect(metrics.health.read()).toMatchObject({ status: 'training', epoch: 3, step: 42, world_size: 1 });
    observe({ type: 'ended', status: 'failed', code: 'quorum-lost' });
    expect(metrics.health.read().status).toBe('ended');
  });

  test('name the run on every series, once, in what is scraped and what is exported', async () => {
    const { metrics, observe } = observeRun();
    observe({ type: 'generation', number: 1, members: [member(0, 3.6)], parameterCount: 10, reason: 'ready' });
    observe(stepEvent(0));
    const series = [...parseSamples(await metrics.application.metrics()).keys()];
    expect(series.length).toBeGreaterThan(400);
    for (const one of series) expect(one.match(/\brun_id="r1"/g), one).toHaveLength(1);
    const exported = (await metrics.application.getMetricsAsJSON()).flatMap(({ values }) => values);
    for (const { labels } of exported) expect(labels).toMatchObject({ run_id: 'r1' });
  });

  test('claim no worker, no speed and no price an hour once the run has ended; who was lost stays lost', async () => {
    const { metrics, observe } = observeRun();
    observe({ type: 'worker-began', workerId: 'w2', at: 0, priceUsdPerHour: 3.6 });
    observe({
      type: 'generation',
      number: 1,
      members: [member(0, 3.6), member(1, 3.6)],
      parameterCount: 10,
      reason: 'ready',
    });
    observe({ type: 'epoch-begun', epoch: 0 });
    observe(stepEvent(0));
    const gpu = { utilizationRatio: 0.9, powerWatts: 70 };
    observe({ type: 'worker-heard', workerId: 'w0', unixMs: startedAtUnixMs, gpu });
    const prices = async () => [...(await scrape(metrics))].filter(([series]) => series.includes('price_usd_per_hour'));
    const priceOf = (worker: string) => [`pennygrad_worker_price_usd_per_hour{worker="${worker}"}`, 3.6];
    expect(await prices()).toEqual([priceOf('w2'), priceOf('w0'), priceOf('w1')]);
    observe({ type: 'worker-lost', workerId: 'w1', reason: 'killed', cause: 'killed' });
    observe({ type: 'worker-ended', workerId: 'w2' });
    expect(await prices()).toEqual([priceOf('w0')]);
    observe({ type: 'ended', status: 'failed', code: 'quorum-lost' });
    // The survivor is heard until it has left, and its going is no loss.
    observe({ type: 'worker-heard', workerId: 'w0', unixMs: startedAtUnixMs + 1, gpu });
    observe({ type: 'worker-lost', workerId: 'w0', reason: 'its process ended', cause: 'killed' });
    const after = await scrape(metrics);
    expect(await prices()).toEqual([]);
    expect([...after].filter(([series]) => series.includes('worker_up'))).toEqual([
      ['pennygrad_worker_up{worker="w1"}', 0],
    ]);
    expect(after.get('pennygrad_world_size')).toBe(0);
    const gone = /samples_per_second|share_ratio|bus_bandwidth|_gpu_/;
    expect([...after.keys()].filter((series) => gone.test(series))).toEqual([]);
    // What the cost was counted by is still true of it.
    expect(after.get('pennygrad_worker_price_assumed{worker="w0"}')).toBe(0);
    expect(after.get('pennygrad_scaling_efficiency_ratio{mode="strong"}')).toBeGreaterThan(0);
  });

  test('say how a run ended, and what a diverged loss was', async () => {
    const { metrics, observe } = observeRun();
    observe({ type: 'generation', number: 1, members: [member(0, 3.6)], parameterCount: 10, reason: 'ready' });
    observe({ type: 'epoch-begun', epoch: 0 });
    observe(stepEvent(0));
    expect([...(await scrape(metrics)).keys()].filter((series) => series.includes('run_ended'))).toEqual([]);
    observe({ type: 'worker-lost', workerId: 'w0', reason: 'the loss became NaN at step 2', cause: 'killed' });
    observe({ type: 'ended', status: 'failed', code: 'diverged' });
    const samples = await scrape(metrics);
    expect(samples.get('pennygrad_run_ended{status="failed",code="diverged"}')).toBe(1);
    // It left because of the loss.
    expect([...samples.keys()].filter((series) => series.includes('worker_up'))).toEqual([]);
    expect(samples.get('pennygrad_loss{split="train"}')).toBeNaN();
  });

  test('a step that was skipped is counted as one, and its loss shows nowhere', async () => {
    const { metrics, observe } = observeRun();
    observe({ type: 'epoch-begun', epoch: 0 });
    observe(stepEvent(0, { loss: 0.5 }));
    observe(stepEvent(1, { loss: Number.NaN, correct: 0, skipped: 'the loss became NaN' }));
    const samples = await scrape(metrics);
    expect(samples.get('pennygrad_steps_total')).toBe(2);
    expect(samples.get('pennygrad_skipped_steps_total')).toBe(1);
    expect(samples.get('pennygrad_loss{split="train"}')).toBe(0.5);
  });

  test('the speed starts over with an epoch', async () => {
    const { metrics, observe } = observeRun();
    observe({ type: 'epoch-begun', epoch: 0 });
    observe(stepEvent(0, { seconds: 10 }));
    observe({ type: 'epoch-begun', epoch: 1 });
    const between = await scrape(metrics);
    expect(between.get('pennygrad_samples_per_second')).toBe(6.4);
    expect(between.get('pennygrad_scaling_efficiency_ratio{mode="strong"}')).toBeGreaterThan(0);
    observe(stepEvent(1, { epoch: 1, seconds: 1 }));
    expect((await scrape(metrics)).get('pennygrad_samples_per_second')).toBe(64);
  });
});

test('stragglers are 1 while they are, with how much slower each member is, and gone with the worker and the run', async () => {
  const { metrics, observe } = observeRun();
  const seen = async () =>
    [...(await scrape(metrics))]
      .filter(([name]) => /straggler\{|slowdown/.test(name))
      .map(([name, value]) => `${name} ${value}`);
  expect(await seen()).toEqual([]);
  const member = (workerId: string, slowdown: number) => ({ workerId, slowdown, isStraggler: slowdown > 1.5 });
  observe({ type: 'slowdowns', members: [member('w0', 0.25), member('w1', 4)] });
  const ofW0 = ['pennygrad_worker_straggler{worker="w0"} 0', 'pennygrad_worker_slowdown_ratio{worker="w0"} 0.25'];
  const ofW1 = ['pennygrad_worker_straggler{worker="w1"} 1', 'pennygrad_worker_slowdown_ratio{worker="w1"} 4'];
  expect((await seen()).sort()).toEqual([...ofW0, ...ofW1].sort());
  observe({ type: 'worker-drained', workerId: 'w1', reason: 'it is slow', dropped: true });
  expect((await seen()).sort()).toEqual(ofW0.sort());
  observe({ type: 'slowdowns', members: [member('w0', 1), member('w2', 1)] });
  observe({ type: 'worker-lost', workerId: 'w2', reason: 'gone', cause: 'killed' });
  expect(await seen()).toHaveLength(2);
  observe({ type: 'ended', status: 'completed', code: undefined });
  expect(await seen()).toEqual([]);
});

const interruption = {
  workerId: 'w1',
  reason: 'killed',
  step: 3,
  recoverySeconds: 0.25,
  wastedSeconds: 1.5,
  wastedUsd: 0.002,
  lostSteps: 0,
} as const;

describe('interruptions', () => {
  test('are counted by their reasons, each of which has a series from the start', async () => {
    const { metrics, observe } = observeRun();
    expect((await scrape(metrics)).get('pennygrad_interruptions_total{reason="preempted"}')).toBe(0);
    observe({ type: 'interruption', interruption });
    observe({ type: 'interruption', interruption: { ...interruption, reason: 'drained', recoverySeconds: undefined } });
    const samples = await scrape(metrics);
    expect(samples.get('pennygrad_interruptions_total{reason="killed"}')).toBe(1);
    expect(samples.get('pennygrad_interruptions_total{reason="drained"}')).toBe(1);
    expect(samples.get('pennygrad_interruptions_total{reason="stuck"}')).toBe(0);
    expect(samples.get('pennygrad_interruption_wasted_seconds_total')).toBe(3);
    expect(samples.get('pennygrad_interruption_wasted_usd_total')).toBe(0.004);
    // One from which the run did not recover took no time.
    expect(samples.get('pennygrad_interruption_recovery_seconds_count')).toBe(1);
    expect(samples.get('pennygrad_interruption_recovery_seconds_sum')).toBe(0.25);
  });

  test('of earlier sittings are counted on', async () => {
    const metrics = createMetrics({ ...observedRun, interruptionsBefore: [interruption, interruption] });
    expect((await scrape(metrics)).get('pennygrad_interruptions_total{reason="killed"}')).toBe(2);
  });

  test('show in what an hour of useful work costs', async () => {
    // Two workers at $3.60 an hour for 4.5 s; of two steps each, 2 × (0.85 + 0.35) s were computing.
    const samples = await scrape(observeShortRun());
    expect(samples.get('pennygrad_effective_usd_per_hour')).toBeCloseTo((3.6 * 2 * 4.5) / 2.4, 6);
    expect((await scrape(createMetrics(observedRun))).has('pennygrad_effective_usd_per_hour')).toBe(false);
  });
});

test('a budget has a metric where one is set', async () => {
  const set = await scrape(observeShortRun());
  expect(set.get('pennygrad_budget_usd')).toBe(5);
  expect(set.get('pennygrad_budget_seconds')).toBe(7200);
  const none = await scrape(createMetrics({ ...observedRun, budget: budgetConfig() }));
  expect([...none.keys()].filter((series) => series.includes('budget'))).toEqual([]);
});

test("a card's figures are its worker's, and what it ceases to report is gone", async () => {
  const { metrics, observe } = observeRun();
  const heard = { type: 'worker-heard', workerId: 'w1', unixMs: 0 } as const;
  observe({ ...heard, gpu: { utilizationRatio: 0.97, memoryUsedBytes: 5e9, powerWatts: 388.15 } });
  const first = await scrape(metrics);
  expect(first.get('pennygrad_gpu_utilization_ratio{worker="w1"}')).toBe(0.97);
  expect(first.get('pennygrad_gpu_memory_used_bytes{worker="w1"}')).toBe(5e9);
  expect(first.get('pennygrad_gpu_power_watts{worker="w1"}')).toBe(388.15);
  expect(first.has('pennygrad_gpu_temperature_celsius{worker="w1"}')).toBe(false);
  observe({ ...heard, gpu: { utilizationRatio: 0 } });
  const second = await scrape(metrics);
  expect(second.get('pennygrad_gpu_utilization_ratio{worker="w1"}')).toBe(0);
  expect(second.has('pennygrad_gpu_power_watts{worker="w1"}')).toBe(false);
});

// Which metrics there are is docs/metrics.md's to say, and metrics-doc.test.ts checks it.
test('every application metric is named by the conventions, is described, and has a value in a run', async () => {
  const metrics = observeShortRun();
  // Some metrics are gone at the end, and one is there only then.
  const running = (await metrics.application.getMetricsAsJSON()).filter(({ name }) => name !== 'pennygrad_run_ended');
  metrics.observe({ type: 'ended', status: 'completed', code: undefined });
  const ended = metrics.application.getSingleMetric('pennygrad_run_ended');
  const described = [...running, await (ended as unknown as { get(): Promise<(typeof running)[number]> }).get()];
  for (const { name, help, type, values } of described) {
    expect(name).toMatch(/^pennygrad_/);
    expect(help).toMatch(/\.$/);
    expect(name.endsWith('_total'), name).toBe(String(type) === 'counter');
    expect(values.length, name).toBeGreaterThan(0);
  }
});
