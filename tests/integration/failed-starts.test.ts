/** Starts that cannot succeed: what they say, how soon, and that they leave nothing in the way of the corrected command. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encode } from 'fast-png';
import { afterEach, describe, expect, it } from 'vitest';
import { webgpuPackages } from '../../src/engine/webgpu/webgpu-packages.ts';
import { freePort } from '../support/free-port.ts';
import { writeIdxFolder } from '../support/idx-folder.ts';
import { needs } from '../support/machine-parts.ts';
import { killAll, program, run, start } from '../support/pennygrad.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

afterEach(killAll);

const env = { PENNYGRAD_METRICS_PORT: '0' };
const onLinux = await needs('linux');
const withIpv6 = await needs('ipv6');
const oneStep = ['--workers', '1', '--batch-size', '10', '--steps', '1'];

describe('images that are too small for the model', () => {
  const dataset = writeIdxFolder(60, 20, 8);
  const folder = temporaryFolder();
  const out = join(folder, 'runs', 'digits');
  const train = ['train', '--dataset', dataset, '--out', out, ...oneStep];

  it('are refused before a worker starts, and nothing is left', async () => {
    const { code, stderr } = await run(train, { env });
    expect(stderr).toBe(
      `pennygrad: --model cnn takes images of at least 18 × 18 pixels; those of ${dataset} are 8 × 8: use --model mlp or softmax\n`,
    );
    expect(code).toBe(2);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('train another model, which then takes pictures of any size', async () => {
    const trained = await run([...train, '--model', 'mlp'], { env });
    expect(trained.stdout).toMatch(/, 60 \+ 20 images of 8 × 8 pixels in 10 classes\n/);
    expect(trained.code).toBe(0);
    const data = new Uint8Array(30 * 50).fill(255);
    for (let row = 5; row < 25; row++) data.fill(0, row * 50 + 20, row * 50 + 30);
    const picture = join(temporaryFolder(), 'one.png');
    writeFileSync(picture, encode({ width: 50, height: 30, data, channels: 1 }));
    const { code, stdout } = await run(['predict', out, picture]);
    expect(stdout).toMatch(/one\.png: \d \(/);
    expect(code).toBe(0);
  });
});

describe('a folder that is named with --out', () => {
  const dataset = writeIdxFolder(60, 20);

  it('is not made where the address cannot be bound', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'deep', 'run');
    const wrong = ['coordinator', '--dataset', dataset, '--out', out, '--bind', 'tcp://192.0.2.1:1'];
    const { code, stderr } = await run(wrong, { env });
    expect(stderr).toMatch(/^pennygrad: cannot bind tcp:\/\/192\.0\.2\.1:1/);
    expect(code).toBe(2);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('is free again where the workers could not start', async () => {
    const out = join(temporaryFolder(), 'run');
    const train = ['train', '--dataset', dataset, '--out', out, '--model', 'softmax', ...oneStep];
    const home = { ...env, PENNYGRAD_HOME: temporaryFolder() };
    const failed = await run([...train, '--backend', 'webgpu'], { env: home });
    expect(failed.stdout + failed.stderr).toContain('pennygrad setup webgpu');
    expect(existsSync(join(out, 'config.json'))).toBe(true);
    const corrected = await run(train, { env });
    expect(corrected.code, corrected.stderr).toBe(0);
    const again = await run(train, { env });
    expect(again.stdout).toBe('');
    expect(again.stderr).toBe(`pennygrad: --out ${out}: already holds a run; choose another folder\n`);
  });

  onLinux.it('is named where it cannot be made', async () => {
    const { code, stderr } = await run(['train', '--dataset', dataset, '--out', '/proc/x', ...oneStep], { env });
    expect(stderr).toMatch(/^pennygrad: --out \/proc\/x: cannot make the run folder: .*\n$/);
    expect(code).toBe(2);
  });
});

onLinux.it('a working directory that was deleted is an error of every command', () => {
  const gone = join(temporaryFolder(), 'gone');
  mkdirSync(gone);
  for (const command of ['train', 'doctor', 'prices']) {
    const script = `rmdir ../gone 2> /dev/null; exec "$0" "$@"`;
    mkdirSync(gone, { recursive: true });
    const result = spawnSync('sh', ['-c', script, process.execPath, program, command], { cwd: gone, encoding: 'utf8' });
    expect(result.stderr).toMatch(/^pennygrad: the working directory cannot be used .*; change to another\n$/);
    expect(result.status).toBe(2);
  }
});

it('classes without a training image are named', async () => {
  const dataset = writeIdxFolder(60, 20);
  const labels = Buffer.alloc(8 + 60);
  labels.set([0, 0, 8, 1, 0, 0, 0, 60]);
  for (let i = 0; i < 60; i++) labels[8 + i] = 1 + (i % 9);
  labels[20] = 200;
  writeFileSync(join(dataset, 'train-labels-idx1-ubyte'), labels);
  const { stdout, stderr, code } = await run(['train', '--dataset', dataset, '--model', 'softmax', ...oneStep], {
    env,
  });
  expect(stdout).toContain('images of 28 × 28 pixels in 201 classes\n');
  expect(stderr).toContain(`${dataset}: 191 classes (0, 10 to 199) of 201 have no training image`);
  expect(code).toBe(0);
});

it('a library that complains while it looks for a GPU is not heard', async () => {
  const home = temporaryFolder();
  const dawn = join(home, 'engines', 'webgpu', 'node_modules', 'webgpu');
  mkdirSync(dawn, { recursive: true });
  writeFileSync(join(home, 'engines', 'webgpu', 'manifest.json'), JSON.stringify({ packages: webgpuPackages }));
  writeFileSync(join(dawn, 'package.json'), '{"type":"module"}');
  // As Dawn does without a driver: it writes past Node's own streams.
  writeFileSync(
    join(dawn, 'index.js'),
    `import { writeSync } from 'node:fs';
     export const globals = {};
     export const create = () => ({
       async requestAdapter() { writeSync(2, 'Warning: vkCreateInstance: Found no drivers!\\n'); return null; },
     });`,
  );
  const out = join(temporaryFolder(), 'run');
  const dataset = writeIdxFolder(60, 20);
  const home2 = { ...env, PENNYGRAD_HOME: home };
  await run(['train', '--dataset', dataset, '--model', 'softmax', '--out', out, ...oneStep], { env: home2 });
  for (const command of ['evaluate', 'predict']) {
    const { code, stderr } = await run([command, out], { env: home2 });
    expect(stderr).toBe('');
    expect(code).toBe(0);
  }
});

describe('a host that does not exist', () => {
  /** No resolver takes a label of more than 63 letters. */
  const nobody = `${'a'.repeat(64)}.invalid`;

  it('is named by a worker at once, and is the reason why it gives up', async () => {
    const worker = start(['worker', '--connect', `tcp://${nobody}:5555`, '--timeout', '1']);
    await worker.waitFor(new RegExp(`there is no host called ${nobody} \\(\\w+\\); looking for it again for 1 s`));
    const { code, stderr } = await worker.exit;
    expect(stderr).toMatch(
      new RegExp(`^pennygrad: --connect tcp://${nobody}:5555: there is no host called ${nobody} \\(\\w+\\)\n$`),
    );
    expect(code).toBe(2);
  });

  it.each([
    ['coordinator', ['coordinator', '--bind', `tcp://${nobody}:5555`, '--dataset', writeIdxFolder(20, 10)]],
    ['doctor', ['doctor', '--no-bench', '--connect', `tcp://${nobody}:5555`]],
  ])('is named by %s', async (_, args) => {
    const { code, stdout, stderr } = await run(args, { env });
    expect(stdout + stderr).toContain(`there is no host called ${nobody}`);
    expect(code).toBeGreaterThan(0);
  });
});

describe('the port on which a worker listens for others', () => {
  async function join(...flags: readonly string[]) {
    return joinRun([], flags);
  }

  async function joinRun(ofRun: readonly string[], flags: readonly string[]) {
    const coordinator = start([
      ...['coordinator', '--bind', 'tcp://127.0.0.1:*', '--workers', '2', '--metrics-port', '0', '--timeout', '60'],
      ...['--dataset', writeIdxFolder(20, 10), ...ofRun],
    ]);
    const [, endpoint = ''] = await coordinator.waitFor(/--connect (tcp:\S+)/);
    return start(['worker', '--connect', endpoint, '--timeout', '60', '--backend', 'wasm', ...flags]);
  }

  it('is told, and must be free', async () => {
    const port = await freePort();
    const worker = await join('--advertise', '127.0.0.1,[::1]', '--peer-port', String(port));
    await worker.waitFor(
      new RegExp(`listening for other workers at tcp://127.0.0.1:${port}, tcp://\\[::1\\]:${port}\n`),
    );
    const { code, stderr } = await (await join('--advertise', '127.0.0.1', '--peer-port', String(port))).exit;
    expect(stderr).toMatch(`pennygrad: cannot listen for other workers at port ${port} (--peer-port): `);
    expect(code).toBe(2);
  });

  it('is not used where workers do not read each other, which the worker says', async () => {
    const port = String(await freePort());
    const worker = await joinRun(['--all-reduce', 'star'], ['--advertise', '127.0.0.1', '--peer-port', port]);
    await worker.waitFor(
      new RegExp(
        `--advertise 127\\.0\\.0\\.1 --peer-port ${port}: not used, since workers of this run do not read each other`,
      ),
    );
  });

  it('is of no use at a loopback address', async () => {
    const { code, stderr } = await (await join('--peer-port', '5556')).exit;
    expect(stderr).toContain('pennygrad: --peer-port 5556: this worker reaches the coordinator at a loopback address');
    expect(code).toBe(2);
  });
});

withIpv6.it('a run over IPv6 succeeds', async () => {
  const dataset = writeIdxFolder(60, 20);
  const bind = ['--bind', 'tcp://[::1]:*', '--metrics-host', '[::1]'];
  const coordinator = start(['coordinator', ...bind, '--dataset', dataset, '--model', 'softmax', ...oneStep], { env });
  const [, address = ''] = await coordinator.waitFor(/pennygrad worker --connect '?(tcp:\/\/\[::1\]:\d+)/);
  const [, page = ''] = await coordinator.waitFor(/live page at (http:\/\/\[::1\]:\d+\/)/);
  expect((await fetch(`${page}healthz`)).status).toBe(200);
  const diagnosis = await run(['doctor', '--no-bench', '--connect', address]);
  expect(diagnosis.stdout).toMatch(/ok +coordinator +tcp:\/\/\[::1\]:\d+: pennygrad/);
  const worker = await run(['worker', '--connect', address]);
  expect(worker.code, worker.stderr).toBe(0);
  expect((await coordinator.exit).code).toBe(0);
});

it('ports of workers that would be too high are refused', async () => {
  const { code, stderr } = await run(['train', '--workers', '3', '--worker-metrics', '65534'], { env });
  expect(stderr).toBe('pennygrad: --worker-metrics 65534: worker 3 would have port 65536; the last is 65535\n');
  expect(code).toBe(2);
});
