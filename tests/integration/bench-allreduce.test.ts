/** The all-reduce benchmark, with a process for each rank. */
import type { ChildProcess } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { afterEach, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { needs } from '../support/machine-parts.ts';
import { childrenOf, isAlive, run, start } from '../support/pennygrad.ts';

const started = new Set<ChildProcess>();

afterEach(() => {
  for (const child of started) child.kill('SIGTERM');
  started.clear();
});

function pathsOf(rows: readonly { readonly algorithm: string; readonly path: string }[]): readonly string[] {
  return rows.map(({ algorithm, path }) => `${algorithm} by ${path}`);
}

it('measures star and meshes, and gloo where PyTorch is; all sums are right', async () => {
  const args = ['--world', '2', '--floats', '300001', '--repeat', '2', '--seconds', '0.01', '--json'];
  const { code, stdout, stderr } = await run(['bench', 'allreduce', ...args]);
  expect(code, stderr).toBe(0);
  const { rows, rounds } = JSON.parse(stdout);
  expect(rounds).toBe(2);
  expect(pathsOf(rows)).toEqual([
    'star by ZeroMQ',
    'mesh by shared memory',
    'mesh by ZeroMQ',
    'mesh-two-shot by shared memory',
    'mesh-two-shot by ZeroMQ',
    'ring by shared memory',
    'ring by ZeroMQ',
    'gloo by TCP',
  ]);
  for (const row of rows) {
    expect(row).toMatchObject({ world: 2, count: 300_001, size_bytes: 1_200_004 });
    if (row.absent !== null) {
      expect(row.algorithm === 'star', row.absent).toBe(false);
      continue;
    }
    expect(row).toMatchObject({ wrong: 0, rounds_us: [expect.any(Number), expect.any(Number)] });
    expect(row.time_us).toBeCloseTo((row.rounds_us[0] + row.rounds_us[1]) / 2, 6);
    expect(row.algbw_gb_per_second).toBeCloseTo(row.size_bytes / row.time_us / 1000, 9);
    expect(row.busbw_gb_per_second).toBeCloseTo(row.algbw_gb_per_second, 9);
  }
  const mesh = rows[1];
  if (process.platform === 'linux') expect(mesh.absent).toBe(null);
  expect(stderr).toMatch(/^world 2, floats 300001, round 2 of 2, star, ZeroMQ: \d+ µs$/m);
});

const pathsBetweenHosts = [
  'star by ZeroMQ',
  'mesh by ZeroMQ',
  'mesh-two-shot by ZeroMQ',
  'ring by ZeroMQ',
  'gloo by TCP',
];

const networks = await needs('networks');

networks.it('measures links of a rate: nothing is faster than they carry it, and no host is left', async () => {
  const args = ['--world', '2', '--floats', '300001', '--link', '200mbit', '--repeat', '1', '--seconds', '0.01'];
  const { child, exit } = start(['bench', 'allreduce', ...args, '--json']);
  const { code, stdout, stderr } = await exit;
  expect(code, stderr).toBe(0);
  const { rows } = JSON.parse(stdout);
  expect(pathsOf(rows)).toEqual(pathsBetweenHosts);
  for (const { algorithm, link_bits_per_second, absent, time_us, size_bytes, wrong } of rows) {
    expect(link_bits_per_second).toBe(200e6);
    if (algorithm === 'gloo' && absent !== null) continue;
    expect(absent).toBe(null);
    expect(wrong).toBe(0);
    // A link may send 100,000 bytes at once after a pause. With a star all vectors pass the hub's link.
    const least = (((algorithm === 'star' ? 2 : 1) * size_bytes - 100_000) * 8) / 200;
    expect(time_us).toBeGreaterThan(least);
  }
  expect(readdirSync('/run/netns').filter((name) => name.startsWith(`pennygrad-${child.pid}-`))).toEqual([]);
});

it('measures longer ways, which take one stage once and two stages twice their delay at least', async () => {
  const args = ['--world', '2', '--floats', '1000', '--delay', '20ms', '--repeat', '1', '--seconds', '0.01'];
  const { code, stdout, stderr } = await run(['bench', 'allreduce', ...args, '--json']);
  expect(code, stderr).toBe(0);
  const { rows } = JSON.parse(stdout);
  expect(pathsOf(rows)).toEqual(pathsBetweenHosts);
  for (const { algorithm, delay_seconds, absent, time_us, wrong } of rows) {
    expect(delay_seconds).toBe(0.02);
    if (algorithm === 'gloo') {
      expect(absent).toMatch(/connect by themselves/);
      continue;
    }
    expect(absent).toBe(null);
    expect(wrong).toBe(0);
    // Whoever begins first waits for what the other sends then. Where there are two stages, and in a ring, what comes of it is sent again.
    expect(time_us).toBeGreaterThanOrEqual(algorithm === 'mesh' ? 20_000 : 40_000);
  }
});

/** Once its ranks reduce. */
async function startBench(...args: readonly string[]) {
  const bench = start(['bench', 'allreduce', '--world', '2', '--floats', '1000', ...args]);
  started.add(bench.child);
  await bench.waitFor(/round 1 of 5/);
  return bench;
}

networks.it('leaves no host behind when it is told to end twice', async () => {
  const { child, exit } = await startBench('--link', '100mbit');
  const hosts = () => readdirSync('/run/netns').filter((name) => name.startsWith(`pennygrad-${child.pid}-`));
  expect(hosts()).toHaveLength(4);
  child.kill('SIGTERM');
  child.kill('SIGINT');
  await exit;
  expect(hosts()).toEqual([]);
});

networks.it('removes the hosts that a killed one has left', async () => {
  const killed = await startBench('--link', '100mbit');
  const ranks = childrenOf(killed.child.pid ?? 0);
  killed.child.kill('SIGKILL');
  await killed.exit;
  for (const pid of ranks.filter(isAlive)) process.kill(pid, 'SIGKILL');
  const left = () => readdirSync('/run/netns').filter((name) => name.startsWith(`pennygrad-${killed.child.pid}-`));
  expect(left()).toHaveLength(4);
  await startBench('--link', '100mbit');
  expect(left()).toEqual([]);
});

it('explains its columns, and what --link needs', async () => {
  const { stdout } = await run(['bench', 'allreduce', '--help']);
  expect(stdout.replace(/\s+/g, ' ')).toMatch(/run it as root.*busbw, algbw × 2 \(n − 1\) \/ n.*below 1 is faster/);
});

it('leaves no process behind when it is interrupted', async () => {
  const { child, exit } = await startBench();
  const ranks = childrenOf(child.pid ?? 0);
  expect(ranks.length).toBeGreaterThan(3);
  child.kill('SIGINT');
  expect((await exit).code).toBe(130);
  await eventually('its processes are gone', () => !ranks.some(isAlive));
});
