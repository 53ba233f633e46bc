import { describe, expect, test } from 'vitest';
import { requireTargetsOfHost } from '../../../src/settings/observability-settings.ts';
import { argumentsIn, argumentsOf, resolveSettings, writtenSettings } from '../../../src/settings/resolve-settings.ts';
import { bySubject, runSettings } from '../../../src/settings/run-settings.ts';
import { withDefault, without, withoutDefault } from '../../../src/settings/setting.ts';
import { localWorkerSettings } from '../../../src/settings/train-settings.ts';
import { trainingSettings } from '../../../src/settings/training-settings.ts';

const resolve = (flags: Record<string, unknown>) => resolveSettings(runSettings, flags, {}, undefined);

describe('the settings of a run by subject', () => {
  test('are all of them, each with its value and in one place', () => {
    const settings = resolve({ batchSize: '32', timeout: '5', budgetUsd: '2', otlp: 'http://a.example', out: 'a' });
    const groups = Object.values(bySubject(settings));
    expect(groups.flatMap((group) => Object.keys(group)).sort()).toEqual(Object.keys(runSettings).sort());
    expect(Object.fromEntries(groups.flatMap((group) => Object.entries(group)))).toEqual(settings);
    expect(bySubject(settings)).toMatchObject({
      training: { batchSize: 32 },
      membership: { timeout: 5 },
      budget: { budgetUsd: 2 },
      observability: { otlp: 'http://a.example' },
      folder: { out: 'a' },
    });
  });

  test('leave out what only the command has', () => {
    const ofTrain = { ...resolve({}), worker: ['a'] };
    const { training } = bySubject(ofTrain);
    expect(Object.keys(training)).toEqual(Object.keys(trainingSettings));
  });
});

test('a host that Prometheus is told needs the folder in which it is told', () => {
  expect(() => requireTargetsOfHost(resolve({ prometheusHost: 'alpha' }))).toThrow(
    /^--prometheus-host needs --prometheus-targets/,
  );
  expect(() => requireTargetsOfHost(resolve({ prometheusHost: 'alpha', prometheusTargets: 'targets' }))).not.toThrow();
  expect(() => requireTargetsOfHost(resolve({ prometheusTargets: 'targets' }))).not.toThrow();
});

describe('settings as flags of another command', () => {
  /** As yargs would hand them on. */
  const parse = (args: readonly string[]) =>
    Object.fromEntries(
      args.flatMap((arg, index) => {
        if (!arg.startsWith('--')) return [];
        const key = arg.slice(2).replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
        const next = args[index + 1];
        return [[key, next === undefined || next.startsWith('--') ? true : next]];
      }),
    );

  test('arrive as they were', () => {
    const told = {
      connect: 'tcp://127.0.0.1:5555',
      backend: 'wasm',
      threads: 2,
      dataset: 'mnist',
      mirrors: ['https://a.example/x', 'https://b.example/y'],
      timeout: 7.5,
      price: 0,
      metricsHost: '0.0.0.0',
    } as const;
    const args = argumentsOf(localWorkerSettings, told);
    expect(resolveSettings(localWorkerSettings, parse(args), {}, undefined)).toEqual(told);
    expect(argumentsIn(localWorkerSettings, args)).toEqual(parse(args));
  });

  test('are read back where they are what was written, and nothing else is', () => {
    const { json, batchSize } = runSettings;
    const read = (...args: string[]) => argumentsIn({ json, batchSize }, args);
    expect(read('--json', '--batch-size', '8')).toEqual({ json: true, batchSize: '8' });
    expect(read()).toEqual({});
    const others = ['--seed 1', '--batchSize 8', 'batch-size 8', '--batch-size=8', '--json true', '--batch-size', '8'];
    const confused = ['--batch-size --json', '--json --json', '--no-json', '-- --json', '--to-string x'];
    for (const line of [...others, ...confused]) expect(read(...line.split(' ')), line).toBeUndefined();
  });

  test('are written as they may be given again', () => {
    const { workers, onLoss } = resolve({ workers: '2:8', onLoss: 'wait' });
    const args = argumentsOf(runSettings, { workers, onLoss });
    expect(args).toEqual(['--workers', '2:8', '--on-loss', 'wait']);
    expect(resolve(parse(args))).toEqual(resolve({ workers: '2:8', onLoss: 'wait' }));
  });

  test('leave out what the table has not, what is undefined, and switches that are off', () => {
    const { json, quiet, price } = runSettings;
    const values = { json: true, quiet: false, price: undefined, seed: 4 };
    expect(argumentsOf({ json, quiet, price }, values)).toEqual(['--json']);
  });
});

test('settings are written for config.json as a config file may have them', () => {
  const { workers, seed } = resolve({ workers: '2:8' });
  const written = writtenSettings(runSettings, { workers, seed, prices: undefined, worker: ['backend=cpu'] });
  expect(written).toEqual({ workers: '2:8', seed: 1, prices: undefined, worker: ['backend=cpu'] });
  expect(writtenSettings(runSettings, { workers: resolve({}).workers })).toEqual({ workers: 2 });
  expect(resolveSettings(runSettings, {}, {}, { path: 'config.json', values: { workers: '2:8' } })).toMatchObject({
    workers,
  });
});

describe('a table made of another', () => {
  test('without a setting keeps the others', () => {
    const { seed: _, ...others } = trainingSettings;
    expect(without(trainingSettings, 'seed')).toEqual(others);
  });

  test('with another default still checks, and shows it', () => {
    const epochs = withDefault(trainingSettings.epochs, 1);
    const given = (value?: string) => resolveSettings({ epochs }, { epochs: value }, {}, undefined).epochs;
    expect([given(), given('3'), epochs.defaultText]).toEqual([1, 3, '1']);
    expect(() => given('0')).toThrow('--epochs must be at least 1');
  });

  test('without a default may be left out, and still checks', () => {
    const epochs = withoutDefault(trainingSettings.epochs);
    const given = (value?: string) => resolveSettings({ epochs }, { epochs: value }, {}, undefined).epochs;
    expect([given(), given('3')]).toEqual([undefined, 3]);
    expect(epochs).not.toHaveProperty('defaultText');
    expect(() => given('0')).toThrow('--epochs must be at least 1');
  });
});
