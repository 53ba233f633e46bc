/** Workers on several hosts, which are network namespaces with links between them: who reads whose gradients, and how. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, onTestFinished } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { createHosts, type Host } from '../support/hosts.ts';
import { writeIdxFolder } from '../support/idx-folder.ts';
import { needs } from '../support/machine-parts.ts';
import { killAll, type Running, start } from '../support/pennygrad.ts';
import { lastCheckpoint, readSummary } from '../support/run-folder.ts';
import { sha256 } from '../support/small-dataset.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const dataset = ['--dataset', writeIdxFolder(333, 60)];
const settings = [
  ...['--batch-size', '48', '--epochs', '999', '--balance', 'off', '--model', 'softmax'],
  ...['--metrics-port', '0', '--price', '1', '--timeout', '6'],
];

/** In which workers read each other. */
const meshes = ['mesh', 'mesh-two-shot', 'ring'] as const;

afterEach(killAll);

const networks = await needs('networks');

function hostsOf(count: number, bitsPerSecond?: number): readonly Host[] {
  const { hosts, close } = createHosts(count, bitsPerSecond);
  // Registered before the processes' end, so that it comes after it.
  onTestFinished(() => {
    killAll();
    close();
  });
  return hosts;
}

/** A coordinator on the first host, and a worker on each of those that are given. */
function begin([first, ...others]: readonly Host[], steps: number | 'many', ...args: readonly string[]) {
  if (first === undefined) throw new Error('it needs a host');
  const out = join(temporaryFolder(), 'run');
  const bind = `tcp://${first.address}:5555`;
  const fleet = steps === 'many' ? `2:${others.length}` : String(others.length);
  const workers = ['--workers', fleet, '--steps', String(steps === 'many' ? 100_000 : steps)];
  const run = start(['coordinator', '--bind', bind, ...workers, ...dataset, ...settings, ...args, '--out', out], first);
  const startWorker = (place: number) =>
    start(
      ['worker', '--connect', bind, '--id', `w${place}`, '--backend', 'wasm', ...dataset],
      others[place] ?? { through: [] },
    );
  return { run, workers: others.map((_, place) => startWorker(place)), startWorker, out };
}

/** Nothing has been printed for a second: an epoch takes less. */
async function stands({ output }: Running): Promise<void> {
  let [seen, since] = [output(), performance.now()];
  await eventually('the run stands', () => {
    if (output() !== seen) [seen, since] = [output(), performance.now()];
    return performance.now() - since > 1000;
  });
}

async function endWell(run: Running, out: string, steps: number): Promise<string> {
  const { code, stdout, stderr } = await run.exit;
  expect(code, stdout + stderr).toBe(0);
  expect(readSummary(out)).toMatchObject({ steps, replicas_identical: true });
  return sha256(readFileSync(join(lastCheckpoint(out), 'weights.bin')));
}

networks.it(
  'read each other over the network, or in memory where two are on one, and come to the bits of the star',
  async () => {
    const [a, b, c] = hostsOf(3);
    if (a === undefined || b === undefined || c === undefined) throw new Error('there are three');
    const weights: string[] = [];
    for (const [places, args, says] of [
      [[a, b, c], [], /all-reduce mesh: workers read each other's gradients over the network/],
      [
        [a, b, b, c],
        ['--all-reduce', 'mesh'],
        /all-reduce mesh: .* in memory on one host and over the network between hosts/,
      ],
      [[a, b, b, c], ['--all-reduce', 'mesh-two-shot'], /all-reduce mesh-two-shot: .* in memory on one host and over/],
      [[a, b, b, c], ['--all-reduce', 'star'], undefined],
      [[a, b, b, c], ['--all-reduce', 'ring'], /all-reduce ring: .* in memory on one host and over the network/],
    ] as const) {
      const { run, out } = begin(places, 20, ...args);
      weights.push(await endWell(run, out, 20));
      if (says === undefined) expect(run.output()).not.toContain('all-reduce');
      else expect(run.output()).toMatch(says);
    }
    // A ring adds up in an order of its own.
    expect(new Set(weights.slice(1, -1)).size).toBe(1);
  },
);

networks.it.each(meshes)('go on when a link of a %s was down and is mended', async (mesh) => {
  const places = hostsOf(4);
  const { run, out } = begin(places, 400, '--all-reduce', mesh);
  await run.waitFor(new RegExp(`all-reduce ${mesh}:`));
  await run.waitFor(/epoch 2/);
  places[3]?.cut();
  await stands(run);
  places[3]?.mend();
  await endWell(run, out, 400);
  expect(run.output()).not.toContain('lost worker');
});

networks.it.each(meshes)('use the star once two of a %s cannot reach each other any more', async (mesh) => {
  const [a, b, c] = hostsOf(3);
  if (a === undefined || b === undefined || c === undefined) throw new Error('there are three');
  const { run, out } = begin([a, b, c], 600, '--all-reduce', mesh);
  await run.waitFor(new RegExp(`all-reduce ${mesh}:`));
  await run.waitFor(/epoch 2/);
  b.drop(c);
  await run.waitFor(/all-reduce star: worker w\d \(.*\) cannot read the others' gradients: .*nobody answers on tcp:/);
  await endWell(run, out, 600);
});

networks.it.each([...meshes, 'auto'])(
  'go on with --all-reduce %s when one is killed, let it in again, and read it as before',
  async (chosen) => {
    const { run, workers, startWorker, out } = begin(hostsOf(4), 'many', '--all-reduce', chosen);
    await run.waitFor(/all-reduce (mesh|mesh-two-shot|ring): workers read each other's gradients over the network/);
    await run.waitFor(/epoch 2/);
    workers[1]?.child.kill('SIGKILL');
    await run.waitFor(/lost worker w1/);
    await run.waitFor(/training goes on with w0, w2/);
    startWorker(1);
    await run.waitFor(/training goes on with w0, w1, w2/);
    const epoch = Number(run.output().match(/epoch (\d+)(?!.*epoch \d)/s)?.[1]);
    await run.waitFor(new RegExp(`epoch ${epoch + 3}/`));
    run.child.kill('SIGINT');
    const { code, stdout, stderr } = await run.exit;
    expect(code, stdout + stderr).toBe(130);
    expect(readSummary(out)).toMatchObject({ replicas_identical: true });
    expect(run.output()).not.toContain('all-reduce star');
    // What three generations measured may look the same, or come to nothing in time on a machine that is busy.
    expect(/, over links of .*, (measured|assumed)/.test(run.output())).toBe(chosen === 'auto');
    const audited = await start(['audit', out]).exit;
    expect(audited.code, audited.stdout + audited.stderr).toBe(0);
  },
);

/**
 * Half of a round may pass at full speed where a processor was waited for before it and the bucket was full again. How much
 * less is measured where other programs use the processors, nothing bounds; they are given a factor of five.
 */
networks.it.each([100e6, 1e9])('measure links of %f bit/s, and say by which they chose', async (rate) => {
  const { run, out } = begin(hostsOf(3, rate), 20, '--json');
  await endWell(run, out, 20);
  const told = run
    .output()
    .split('\n')
    .filter((line) => line.includes('"all_reduce"'))
    .map((line) => JSON.parse(line));
  expect(told).toMatchObject([{ event: 'all_reduce', all_reduce: 'mesh', link: { basis: 'measured' } }]);
  expect(told[0].reason).toMatch(
    /over the network; modelled .* with (mesh-two-shot|ring), over links of [\d.]+ [MG]bit\/s and [\d.]+ ms, measured$/,
  );
  const { bits_per_second, delay_seconds } = told[0].link;
  expect(bits_per_second).toBeGreaterThan(rate / 5);
  expect(bits_per_second).toBeLessThan(2 * rate);
  expect(delay_seconds).toBeLessThan(1);
});
