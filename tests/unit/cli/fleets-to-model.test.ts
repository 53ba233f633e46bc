import { describe, expect, test } from 'vitest';
import { fleetsToModel } from '../../../src/cli/fleets-to-model.ts';
import { measuredCodecs } from '../../../src/economics/simulation/measured-costs.ts';
import { modelledFleetSettings } from '../../../src/settings/modelled-fleet-settings.ts';
import { resolveSettings } from '../../../src/settings/resolve-settings.ts';
import { comparedRun } from '../../support/compared-runs.ts';

const resolve = (flags: Readonly<Record<string, string>>, price?: number) => ({
  ...resolveSettings(modelledFleetSettings, { link: '25gbit', workers: '64', ...flags }, {}, undefined),
  price,
});

/** Two workers at $0.36 an hour; a step of 64 takes 12.8 ms, of which each computes 80 %. */
const run = comparedRun({
  workers: [
    { backend: 'wasm', price: 0.36 },
    { backend: 'wasm', price: 0.36 },
  ],
  rate: 5000,
  batch: 64,
});

describe('without a run', () => {
  test('flags say all, and how long a worker computes may stay unknown', () => {
    expect(fleetsToModel(resolve({ parameters: '25e6' }), [])).toMatchObject({
      workers: [64],
      algorithms: ['star', 'mesh', 'mesh-two-shot', 'ring'],
      bitsPerSecond: 25e9,
      delaySeconds: 1e-4,
      parameters: 25e6,
      aloneSeconds: undefined,
      usdPerHour: undefined,
      epochSamples: undefined,
    });
  });

  test('compression costs what was measured of its codec', () => {
    const asked = (compress: string) => fleetsToModel(resolve({ parameters: '1e6', compress }), []).compression;
    expect(asked('topk:2.50')).toEqual({ name: 'topk:2.5', costs: measuredCodecs.topk });
    expect(asked('int8')).toEqual({ name: 'int8', costs: measuredCodecs.int8 });
    expect(asked('none')).toBeUndefined();
  });

  test('one worker is as fast as its step or its rate says', () => {
    const flags = { parameters: '1e6', batchSize: '4096' };
    expect(fleetsToModel(resolve({ ...flags, stepSeconds: '2.5' }), []).aloneSeconds).toBe(2.5);
    expect(fleetsToModel(resolve({ ...flags, samplesPerSecond: '1024' }), []).aloneSeconds).toBe(4);
    expect(fleetsToModel(resolve({ parameters: '1', samplesPerSecond: '64' }), []).aloneSeconds).toBe(1);
    expect(fleetsToModel(resolve({ ...flags, stepSeconds: '1' }, 0.5), []).usdPerHour).toBe(0.5);
  });

  test.each([
    [{}, '--link needs --parameters, like 25e6, or a run that has them'],
    [
      { parameters: '1', stepSeconds: '1', samplesPerSecond: '1' },
      '--step-seconds and --samples-per-second exclude each other: both say how fast one worker is',
    ],
    [
      { parameters: '1', stepSeconds: '1', workers: '2,65', batchSize: '64' },
      '--workers 65 leaves workers of a --batch-size of 64 without a sample: name a larger one',
    ],
  ])('%j: %s', (flags, message) => {
    expect(() => fleetsToModel(resolve(flags), [])).toThrow(message);
  });

  test.each([
    ['--price', {}, 0.5],
    ['--overlap', { overlap: '0.5' }, undefined],
    ['--spread', { spread: '0.1' }, undefined],
  ] as const)('%s changes nothing where it is not known how long a worker computes', (flag, flags, price) => {
    expect(() => fleetsToModel(resolve({ parameters: '1', ...flags }, price), [])).toThrow(
      `${flag} changes nothing where it is not known how long a worker computes: name --step-seconds, ` +
        '--samples-per-second or a run',
    );
    expect(() => fleetsToModel(resolve({ parameters: '1', stepSeconds: '1', ...flags }, price), [])).not.toThrow();
    // A variable may be there for other commands.
    expect(() => fleetsToModel(resolve({ parameters: '1', ...flags }, price), [], () => false)).not.toThrow();
  });

  test('with local updates a step has as many batches, and takes as many times as long', () => {
    const flags = { parameters: '1e6', batchSize: '64', stepSeconds: '0.01' };
    expect(fleetsToModel(resolve({ ...flags, localSteps: '16' }), [])).toMatchObject({
      localSteps: 16,
      batchSize: 1024,
      aloneSeconds: 0.16,
    });
    expect(fleetsToModel(resolve(flags), [])).toMatchObject({ localSteps: 1, batchSize: 64, aloneSeconds: 0.01 });
    // Each update needs a sample of every worker.
    expect(() => fleetsToModel(resolve({ ...flags, localSteps: '16', workers: '65' }), [])).toThrow(
      /a --batch-size of 64/,
    );
    expect(() => fleetsToModel(resolve({ ...flags, localSteps: '16', overlap: '0.5' }), [])).toThrow(
      '--overlap has no meaning with --local-steps 16: nothing leaves before the last update',
    );
  });

  test('the number of workers is needed, and counts once', () => {
    expect(() => fleetsToModel({ ...resolve({ parameters: '1' }), workers: undefined }, [])).toThrow(
      '--link needs --workers: how many, like 64 or 1,8,64',
    );
    expect(fleetsToModel(resolve({ parameters: '1', workers: '8,2,8' }), []).workers).toEqual([8, 2]);
  });

  test('more workers than samples may exchange gradients, if nobody asks how fast they train', () => {
    expect(fleetsToModel(resolve({ parameters: '1', workers: '65' }), []).workers).toEqual([65]);
  });
});

describe('with a run', () => {
  test('its workers, its model and its batch are meant', () => {
    const asked = fleetsToModel(resolve({}), [run]);
    expect(asked).toMatchObject({ parameters: 93_322, batchSize: 64, epochSamples: 60_000 });
    expect(asked.aloneSeconds).toBeCloseTo(2 * 0.8 * 0.0128, 4);
    expect(asked.usdPerHour).toBeCloseTo(0.36, 12);
  });

  test('flags come first; a larger batch takes longer at the same rate', () => {
    const { aloneSeconds = 0 } = fleetsToModel(resolve({}), [run]);
    const larger = fleetsToModel(resolve({ batchSize: '256', parameters: '93322' }, 2), [run]);
    expect(larger).toMatchObject({ parameters: 93_322, batchSize: 256, usdPerHour: 2 });
    expect((larger.aloneSeconds ?? 0) / aloneSeconds).toBeCloseTo(4, 9);
    expect(fleetsToModel(resolve({ stepSeconds: '3' }), [run]).aloneSeconds).toBe(3);
    expect(fleetsToModel(resolve({ samplesPerSecond: '32' }), [run]).aloneSeconds).toBe(2);
  });

  test('a run with local updates says how many, and how long they take together', () => {
    const local = { ...run, summary: { ...run.summary, global_batch_size: 1024, local_steps: 16 } };
    const { aloneSeconds = 0 } = fleetsToModel(resolve({}), [run]);
    expect(fleetsToModel(resolve({}), [local])).toMatchObject({ localSteps: 16, batchSize: 1024 });
    // Its steps took as long as those of the run without, and had 16 times as many samples.
    expect(fleetsToModel(resolve({}), [local]).aloneSeconds).toBeCloseTo(aloneSeconds, 12);
    expect(fleetsToModel(resolve({ localSteps: '4' }), [local])).toMatchObject({ localSteps: 4, batchSize: 256 });
    expect(fleetsToModel(resolve({ localSteps: '4' }), [local]).aloneSeconds).toBeCloseTo(aloneSeconds / 4, 12);
  });

  test('nobody may name other parameters than its model has', () => {
    expect(() => fleetsToModel(resolve({ parameters: '1e6' }), [run])).toThrow(
      `--parameters 1000000 contradicts run ${run.summary.run_id}, whose model has 93322: leave out one of them`,
    );
  });

  test('a price that it assumed is told, until one is given', () => {
    const workers = run.summary.workers.map((worker) => ({ ...worker, price_assumed: '1 vCPU' }));
    const assumed = { ...run, summary: { ...run.summary, workers } };
    expect(fleetsToModel(resolve({}), [run]).priceAssumed).toBeUndefined();
    expect(fleetsToModel(resolve({}), [assumed]).priceAssumed).toBe('assumed, not given: 1 vCPU for every worker');
    expect(fleetsToModel(resolve({}, 0.5), [assumed]).priceAssumed).toBeUndefined();
  });

  test('there may be one', () => {
    expect(() => fleetsToModel(resolve({}), [run, run])).toThrow('--link takes one run at most');
  });
});
