import { describe, expect, it } from 'vitest';
import type { FleetSize } from '../../../src/settings/fleet-size.ts';
import { resolveSettings } from '../../../src/settings/resolve-settings.ts';
import { planWorkers, workerSetting } from '../../../src/settings/worker-entries.ts';

const resolve = (flag: unknown, environment: Record<string, string> = {}, list?: unknown) =>
  resolveSettings(
    { worker: workerSetting },
    { worker: flag },
    environment,
    list === undefined ? undefined : { path: 'run.yaml', values: { worker: list } },
  ).worker;
const plan = (flag: unknown, defaults: { workers?: FleetSize; backend?: 'auto' | 'wasm' } = {}) =>
  planWorkers(resolve(flag), { workers: defaults.workers, backend: defaults.backend ?? 'auto' });

describe('planWorkers', () => {
  it('without entries starts --workers of --backend, two of auto by default', () => {
    const auto = { backend: 'auto', price: undefined };
    expect(plan(undefined)).toEqual([
      { id: 'w0', ...auto },
      { id: 'w1', ...auto },
    ]);
    expect(plan(undefined, { workers: { min: 1, max: 3 }, backend: 'wasm' }).map(({ backend }) => backend)).toEqual(
      Array(3).fill('wasm'),
    );
  });

  it('starts what the entries say, in their order', () => {
    expect(plan(['backend=cpu,price=1.2,count=2', 'price=0.05, id=fast'], { backend: 'wasm' })).toEqual([
      { id: 'w0', backend: 'cpu', price: 1.2 },
      { id: 'w1', backend: 'cpu', price: 1.2 },
      { id: 'fast', backend: 'wasm', price: 0.05 },
    ]);
  });

  it('gives each worker its own threads and duty, and --threads to those without', () => {
    const planned = planWorkers(resolve(['threads=2,duty=0.25', 'backend=cpu']), {
      workers: undefined,
      backend: 'wasm',
      threads: 4,
    });
    expect(planned.map(({ threads, duty }) => [threads, duty])).toEqual([
      [2, 0.25],
      [4, undefined],
    ]);
  });

  it('takes a label of any kind, which is looked up later', () => {
    expect(
      plan(['gpu=T4,price=0.35', 'gpu=gcp/T4/Spot', 'gpu=gcp/t4/spot']).map(({ gpu, price }) => [gpu, price]),
    ).toEqual([
      ['t4', 0.35],
      ['gcp/t4/spot', undefined],
      ['gcp/t4/spot', undefined],
    ]);
  });

  it('reads the same from a flag, a variable and a file', () => {
    const expected = plan(['backend=cpu,price=1', 'backend=wasm']);
    const planned = (entries: ReturnType<typeof resolve>) =>
      planWorkers(entries, { workers: { min: 2, max: 2 }, backend: 'auto' });
    expect(planned(resolve(undefined, { PENNYGRAD_WORKER: 'backend=cpu,price=1;backend=wasm' }))).toEqual(expected);
    expect(planned(resolve(undefined, {}, [{ backend: 'cpu', price: 1 }, 'backend=wasm']))).toEqual(expected);
  });

  it.each([
    ['backend=gpu', "--worker 'backend=gpu': backend must be one of auto, tensorflow, webgpu, wasm, cpu, got 'gpu'"],
    ['price=cheap', "--worker 'price=cheap': price must be a number of at least 0, or none, got 'cheap'"],
    ['price=-1', "--worker 'price=-1': price must be at least 0, got '-1'"],
    ['price=1e9', "--worker 'price=1e9': price must be at most 10000, got '1e9'"],
    ['threads=0', "--worker 'threads=0': threads must be at least 1, got '0'"],
    ['threads=1.5', "--worker 'threads=1.5': threads must be a whole number, got '1.5'"],
    ['duty=0', "--worker 'duty=0': duty must be greater than 0, got '0'"],
    ['duty=2', "--worker 'duty=2': duty must be at most 1, got '2'"],
    ['count=0', "--worker 'count=0': count must be at least 1, got '0'"],
    ['gpu=', "--worker 'gpu=': gpu must be a label, got nothing"],
    ['id=', "--worker 'id=': id must be a name, got nothing"],
    [
      'bakend=cpu',
      "--worker 'bakend=cpu': unknown key 'bakend'; valid keys: backend, price, gpu, id, count, threads, duty",
    ],
    ['toString=cpu', "unknown key 'toString'"],
    ['cpu', "--worker 'cpu': 'cpu' must be key=value; keys: backend, price, gpu, id, count, threads, duty"],
    ['', "--worker '': '' must be key=value"],
    [
      '2',
      "--worker '2': '2' must be key=value; keys: backend, price, gpu, id, count, threads, duty; for a number of workers: --workers",
    ],
    ['backend=cpu,backend=wasm', "--worker 'backend=cpu,backend=wasm': backend is given twice"],
    ['id=a,count=2', "--worker 'id=a,count=2': id names one worker; leave out id or count"],
    [['id=a', 'id=a'], "--worker: two workers have the id 'a'; choose others"],
    [['id=w1', 'backend=cpu'], "--worker: two workers have the id 'w1'; choose others"],
    [['count=600', 'count=600'], '--worker names 1200 workers; 1 to 1024 can be'],
    [[{ gpu: ['t4'] }], `--worker '{"gpu":["t4"]}': gpu must be a label, got a list`],
    [7, "--worker must be entries like backend=cpu,price=1.2,count=2, got '7'"],
  ])('refuses %j, saying why', (flag, message) => {
    expect(() => plan(flag)).toThrow(message);
  });

  it('takes --workers only if its MAX agrees', () => {
    expect(plan('count=3', { workers: { min: 3, max: 3 } })).toHaveLength(3);
    expect(plan('count=3', { workers: { min: 1, max: 3 } })).toHaveLength(3);
    expect(() => plan('count=3', { workers: { min: 2, max: 2 } })).toThrow(
      '--workers 2 disagrees with --worker, which names 3; leave --workers out, or give MIN:3 if the run may go on with fewer',
    );
    expect(() => plan('count=3', { workers: { min: 3, max: 4 } })).toThrow('--workers 3:4 disagrees with --worker');
  });
});
