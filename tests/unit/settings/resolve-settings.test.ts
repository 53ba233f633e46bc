import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readConfigFile } from '../../../src/settings/config-file.ts';
import { engineSettings } from '../../../src/settings/engine-settings.ts';
import { resolveSettings } from '../../../src/settings/resolve-settings.ts';
import { runSettings } from '../../../src/settings/run-settings.ts';
import { trainSettings } from '../../../src/settings/train-settings.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const resolve = (
  flags: Record<string, unknown> = {},
  environment: Record<string, string> = {},
  values?: Record<string, unknown>,
) => resolveSettings({ ...runSettings, ...engineSettings }, flags, environment, values && { path: 'run.yaml', values });

describe('resolveSettings', () => {
  it('has the documented defaults', () => {
    expect(resolve()).toMatchObject({
      workers: { min: 2, max: 2 },
      onLoss: 'continue',
      backend: 'auto',
      dataset: undefined,
      model: 'cnn',
      epochs: 5,
      steps: undefined,
      batchSize: 64,
      optimizer: 'adam',
      lr: 0.001,
      seed: 1,
      allReduce: 'auto',
      timeout: 30,
      json: false,
      quiet: false,
    });
  });

  it.each([
    ['500', 500],
    [500, 500],
    ['30s', '30s'],
    ['0.5s', '0.5s'],
    ['007s', '7s'],
  ])('takes --checkpoint-every %s, which may be given again as it was understood', (value, every) => {
    expect(resolve({ checkpointEvery: value }).checkpointEvery).toBe(every);
    expect(resolve({}, {}, { 'checkpoint-every': every }).checkpointEvery).toBe(every);
  });

  it('takes a flag before the environment before the file before the default', () => {
    const environment = { PENNYGRAD_EPOCHS: '3', PENNYGRAD_BATCH_SIZE: '32' };
    const file = { epochs: 2, 'batch-size': 16, lr: 0.01 };
    expect(resolve({ epochs: '4' }, environment, file)).toMatchObject({ epochs: 4, batchSize: 32, lr: 0.01, seed: 1 });
  });

  it('takes a variable without a value for one that is not set', () => {
    expect(resolve({}, { PENNYGRAD_EPOCHS: '', PENNYGRAD_PRICE: '' }, { epochs: 2 })).toMatchObject({ epochs: 2 });
  });

  it.each(['constructor', '__proto__', 'toString', 'has-own-property'])('does not know the key %s of a file', (key) => {
    const file = join(temporaryFolder(), 'run.yaml');
    writeFileSync(file, `epochs: 2\n${key}: 1\n`);
    const { values } = readConfigFile(file);
    expect(() => resolve({}, {}, values)).toThrow(`unknown key '${key}'; valid keys: `);
  });

  it.each([
    ['lr', 'NaN', "--lr must be a number, got 'NaN'"],
    ['lr', '0', "--lr must be greater than 0, got '0'"],
    ['lr', 'Infinity', "--lr must be a number, got 'Infinity'"],
    ['onLoss', 'stop', "--on-loss must be one of continue, wait, fail, got 'stop'"],
    ['epochs', '', '--epochs must be a number, got nothing'],
    ['model', 'resnet', "--model must be one of cnn, mlp, softmax, got 'resnet'"],
    ['backend', 'cuda', "--backend must be one of auto, tensorflow, webgpu, wasm, cpu, got 'cuda'"],
    ['metricsPort', '70000', "--metrics-port must be at most 65535, got '70000'"],
    ['timeout', '0', "--timeout must be at least 1, got '0'"],
    ['price', 'free', "--price must be a number of at least 0, or none, got 'free'"],
    ['price', '', '--price must be a number of at least 0, or none, got nothing'],
    ['price', '-1', "--price must be at least 0, got '-1'"],
    ['price', '10000.01', "--price must be at most 10000, got '10000.01'"],
    ['price', '1.7e308', "--price must be at most 10000, got '1.7e308'"],
    ['otlp', 'localhost:4318', "--otlp must be an http(s) URL, got 'localhost:4318'"],
    ...['0', '1.5', '30m', '0s', '-3s', '', 's'].map((value): [string, string, string] => [
      'checkpointEvery',
      value,
      `--checkpoint-every must be a whole number of steps, like 500, or seconds, like 30s, got ${value === '' ? 'nothing' : `'${value}'`}`,
    ]),
    ['mirrors', 'ftp://x', "--mirrors must be http(s) URLs separated by commas, got 'ftp://x'"],
  ])('names the flag, the value and what it must be: --%s %s', (key, value, message) => {
    expect(() => resolve({ [key]: value })).toThrow(message);
  });

  it('names the variable or the file that a bad value came from', () => {
    expect(() => resolve({}, { PENNYGRAD_LR: 'fast' })).toThrow("PENNYGRAD_LR must be a number, got 'fast'");
    expect(() => resolve({}, {}, { epochs: 'many' })).toThrow("run.yaml: epochs must be a number, got 'many'");
    expect(() => resolve({}, {}, { epochs: { of: 3 } })).toThrow('run.yaml: epochs must be a number, got a map');
    expect(() => resolve({}, {}, { epoch: 3 })).toThrow("run.yaml: unknown key 'epoch'; valid keys: workers,");
  });

  it.each(Object.entries(trainSettings))(
    'says what %s must be where a config file has a map or nothing',
    (key, setting) => {
      for (const value of [{ of: 3 }, null]) {
        const file = { path: 'run.yaml', values: { [key]: value } };
        const resolved = () => resolveSettings({ [key]: setting }, {}, {}, file);
        expect(resolved).toThrow(/^run\.yaml: .* must be (?!Invalid)/);
      }
    },
  );

  it('refuses a flag that is given twice', () => {
    expect(() => resolve({ lr: ['1', '2'] })).toThrow('--lr is given more than once');
    expect(() => resolve({}, {}, { lr: [1] })).toThrow('run.yaml: lr must be one value, got a list');
  });
});

describe('readConfigFile', () => {
  const write = (name: string, text: string) => {
    const path = join(temporaryFolder(), name);
    writeFileSync(path, text);
    return path;
  };

  it('reads YAML and JSON', () => {
    expect(readConfigFile(write('a.yaml', 'epochs: 3\nlr: 0.01\n')).values).toEqual({ epochs: 3, lr: 0.01 });
    expect(readConfigFile(write('a.json', '{"epochs": 3}')).values).toEqual({ epochs: 3 });
  });

  it('says what is wrong with a file', () => {
    expect(() => readConfigFile('nowhere.yaml')).toThrow('--config nowhere.yaml: not found');
    expect(() => readConfigFile(write('a.yaml', '- 1\n'))).toThrow('must be a map of settings');
    expect(() => readConfigFile(write('a.yaml', 'a: [1'))).toThrow('a.yaml:');
  });
});
