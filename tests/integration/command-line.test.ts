/** What a user sees who types something wrong, or asks for help. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { writeIdxFolder } from '../support/idx-folder.ts';
import { killAll, run, start } from '../support/pennygrad.ts';
import { readSummary } from '../support/run-folder.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

afterEach(killAll);

const folder = writeIdxFolder(200, 50);
const cut = temporaryFolder();
for (const name of [
  'train-images-idx3-ubyte',
  'train-labels-idx1-ubyte',
  't10k-images-idx3-ubyte',
  't10k-labels-idx1-ubyte',
]) {
  writeFileSync(join(cut, name), Buffer.from([0, 0, 8, name.includes('idx3') ? 3 : 1, 0, 0, 0, 9]));
}
const occupied = temporaryFolder();
mkdirSync(join(occupied, 'run'));
writeFileSync(join(occupied, 'run', 'config.json'), '{}');

const foreign = join(temporaryFolder(), 'foreign');
mkdirSync(foreign);
writeFileSync(join(foreign, 'summary.json'), '{}');

describe('help', () => {
  it.each([
    [['--help'], /pennygrad train/],
    [['train', '--help'], /pennygrad train --workers 4 --price 0\.35/],
    [['coordinator', '--help'], /--bind tcp:\/\/0\.0\.0\.0:5555/],
    [['worker', '--help'], /--connect tcp:\/\/10\.0\.0\.1:5555/],
    [['evaluate', '--help'], /pennygrad evaluate runs\/RUN-ID/],
    [['predict', '--help'], /seven\.png/],
    [['audit', '--help'], /pennygrad audit runs\/\* --json/],
    [['plan', '--help'], /pennygrad plan --workers 64 --link 25gbit/],
    [['bench', '--help'], /pennygrad bench allreduce .*sum vectors/],
    [['bench', 'allreduce', '--help'], /pennygrad bench allreduce --world 2 --floats 93322/],
  ])('%j has examples', async (args, example) => {
    const { code, stdout } = await run(args);
    expect(code).toBe(0);
    expect(stdout).toMatch(example);
  });
});

describe('a plan of fleets that nobody has', () => {
  const asked = ['plan', '--workers', '64', '--link', '25gbit', '--parameters', '25e6'];

  it('needs no run, and says that it is modelled', async () => {
    const { code, stdout, stderr } = await run(asked);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^Modelled, not measured: every machine has a link of 25 Gbit\/s each way/);
    for (const name of ['star', 'mesh', 'mesh, two-shot', 'ring'])
      expect(stdout).toMatch(new RegExp(`\\n.* 64 +${name} `));
  });

  it('is one JSON object for programs, whatever variables of other commands say', async () => {
    const env = { PENNYGRAD_ALL_REDUCE: 'star', PENNYGRAD_TIMEOUT: '20', PENNYGRAD_BATCH_SIZE: '640' };
    const { code, stdout } = await run([...asked, '--samples-per-second', '100', '--price', '0.36', '--json'], { env });
    expect(code).toBe(0);
    const { basis, batch_size, fleets } = JSON.parse(stdout);
    expect({ basis, batch_size }).toEqual({ basis: 'modelled', batch_size: 640 });
    // 640 samples at 100 a second by 64 workers are a tenth of a second each; a link carries the gradients of all in 2 s.
    expect(fleets).toEqual([expect.objectContaining({ workers: 64, all_reduce: 'star', is_fastest: true })]);
    expect(fleets[0].step.compute_seconds).toBeCloseTo(0.1, 9);
    expect(fleets[0].communicate_seconds).toBeGreaterThan((64 * 1e8) / (25e9 / 8));
    expect(fleets[0].step.usd_per_million_samples).toBeCloseTo(
      (64 * 0.36 * 1e6) / 3600 / fleets[0].step.samples_per_second,
      9,
    );
  });

  it('ignores variables for its own flags where runs are planned', async () => {
    const env = { PENNYGRAD_WORKERS: '2:8', PENNYGRAD_ALL_REDUCE: 'mesh' };
    const { code, stderr } = await run(['plan', 'runs/none'], { env });
    expect(code).toBe(2);
    expect(stderr).toMatch(/runs\/none: /);
  });
});

describe('a run', () => {
  const quick = ['train', '--dataset', folder, '--model', 'softmax', '--metrics-port', '0'];

  it('keeps to its flags, whatever the environment says', async () => {
    const env = { PENNYGRAD_SEED: '2', PENNYGRAD_MODEL: 'mlp', PENNYGRAD_PRICE: '9', PENNYGRAD_TIMEOUT: '20' };
    const { code, stdout } = await run([...quick, '--seed', '3', '--price', '0.5', '--json'], { env });
    expect(code).toBe(0);
    const summary = JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}');
    expect(summary).toMatchObject({ seed: 3, model: { name: 'softmax' }, price_usd_per_hour: 1 });
  });

  it('that serves its page on every address says where to open it', async () => {
    const { stdout } = await run([...quick, '--steps', '1', '--metrics-host', '0.0.0.0']);
    expect(stdout).toMatch(
      /live page at http:\/\/localhost:(\d+)\/ · .*localhost:\1\/metrics · listening on every address of this host/,
    );
  });

  it('that diverges to losses that are still numbers ends with exit code 3 and says what to try, which is not to resume it', async () => {
    const { code, stderr } = await run([
      'train',
      '--dataset',
      folder,
      '--model',
      'mlp',
      '--metrics-port',
      '0',
      '--lr',
      '1e6',
    ]);
    expect(code).toBe(3);
    expect(stderr).toMatch(/training has diverged: the test loss is \S+e\+\d+ after step \d+, .* --lr below 1000000/);
    expect(stderr).not.toContain('--resume');
  });

  it('whose reader goes away ends in order', async () => {
    const out = join(temporaryFolder(), 'run');
    const job = start([...quick, '--epochs', '100000', '--out', out]);
    await job.waitFor(/rank 0/);
    job.child.stdout?.destroy();
    job.child.stderr?.destroy();
    expect((await job.exit).code).toBe(130);
    expect(readSummary(out).status).toBe('interrupted');
  });
});

// Every value of every flag: tests/unit/settings. Folders: tests/unit/coordinator/record/run-folder.test.ts, failed-starts.test.ts.
describe('bad input is one clear line and exit code 2', () => {
  it.each<[string, string[], RegExp]>([
    ['no command', [], /name a command/],
    ['an unknown command', ['trian'], /Did you mean train\? \(see pennygrad --help\)$/m],
    ['an unknown flag', ['train', '--wokers', '2'], /Unknown argument: wokers \(see pennygrad train --help\)$/m],
    [
      'an unknown flag of two words',
      ['plan', '--local-batch', '16', '--bogus', '1'],
      /Unknown arguments: local-batch, bogus \(see pennygrad plan --help\)$/m,
    ],
    [
      'a flag of the command above',
      ['bench', 'allreduce', '--backend', 'wasm'],
      /Unknown argument: backend \(see pennygrad bench allreduce --help\)$/m,
    ],
    [
      'too many processes',
      ['bench', 'allreduce', '--world', '2,17'],
      /--world must be at most 16, in a list like 2,4,8, got '2,17'$/m,
    ],
    [
      'no floats',
      ['bench', 'allreduce', '--floats', '1e6,0'],
      /--floats must be at least 1, in a list like 1e5,1e6, got '1e6,0'$/m,
    ],
    ['a flag without its value', ['train', '--lr'], /lr/],
    [
      'an unknown dataset',
      ['train', '--dataset', 'mnits'],
      /unknown dataset 'mnits'; did you mean mnist\? Expected mnist, /,
    ],
    ['an unreadable folder', ['train', '--dataset', './nowhere'], /nowhere/],
    ['a truncated file', ['train', '--dataset', cut], /idx\d-ubyte/],
    [
      'more workers than samples in a batch',
      ['train', '--workers', '9', '--batch-size', '8'],
      /--workers 9 is more than/,
    ],
    [
      'a budget of workers that cost nothing',
      ['train', '--dataset', folder, '--budget-usd', '5', '--price', 'none'],
      /--budget-usd 5 can never be reached: no worker has a price; give one with --price/,
    ],
    ['a folder that holds something else', ['train', '--dataset', folder, '--out', cut], /is not empty/],
    ['a config file that is not there', ['train', '--config', 'none.yaml'], /--config none\.yaml: not found/],
    ['a malformed endpoint', ['worker', '--connect', 'localhost'], /--connect must be tcp:\/\/HOST:PORT/],
    ['no endpoint', ['worker'], /--connect is required: the address of a coordinator/],
    [
      'a summary of something else',
      ['compare', foreign],
      /foreign\/summary\.json: not a summary of this version: run_id: .* \(and \d\d more\)$/m,
    ],
    ['a run that is not there', ['evaluate', 'runs/none'], /runs\/none: no such folder/],
    ['a folder without a checkpoint', ['predict', occupied], /there is no checkpoint/],
    ['a plan of nothing', ['plan'], /name folders of runs, or a sweep with --sweep DIR/],
    [
      'a link without its unit',
      ['plan', '--workers', '8', '--link', '25'],
      /--link must be a rate .* like 100mbit.*, got '25'$/m,
    ],
    [
      'a link for nobody',
      ['plan', '--link', '25gbit', '--parameters', '1e6'],
      /--link needs --workers: how many, like 64/,
    ],
    ['workers without a link', ['plan', '--workers', '8'], /--workers needs --link, a rate like 25gbit$/m],
    [
      'a goal for fleets that nobody has',
      ['plan', '--workers', '8', '--link', '25gbit', '--parameters', '1e6', '--budget-usd', '1'],
      /--budget-usd is for plans of measured runs: leave out --link$/m,
    ],
    ['a device in place of a run', ['evaluate', '/dev/null'], /\/dev\/null: is not a folder of checkpoints/],
  ])('%s', async (_, args, message) => {
    const { code, stderr, stdout } = await run(args, { env: { PENNYGRAD_METRICS_PORT: '0' } });
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(stdout).not.toMatch(/epoch/);
    expect(code).toBe(2);
  });

  it('--verbose shows where it came from', async () => {
    const { code, stderr } = await run(['train', '--lr', 'NaN', '--verbose']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/\n\s+at /);
  });

  it('a port that is taken, when it was asked for', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    for (const args of [
      ['train', '--dataset', folder, '--metrics-port', String(port)],
      ['coordinator', '--dataset', folder, '--metrics-port', '0', '--bind', `tcp://127.0.0.1:${port}`],
    ]) {
      const { code, stderr } = await run(args);
      expect(stderr).toMatch(new RegExp(`${port}`));
      expect(code).toBe(2);
    }
    server.close();
  });

  it('a budget of remote workers that cost nothing is a warning, since they say so only when they are there', async () => {
    const coordinator = start([
      ...['coordinator', '--bind', 'tcp://127.0.0.1:*', '--workers', '1', '--dataset', folder, '--steps', '2'],
      ...['--metrics-port', '0', '--budget-usd', '5'],
    ]);
    const [, endpoint = ''] = await coordinator.waitFor(/--connect (tcp:\S+)/);
    await run(['worker', '--connect', endpoint, '--price', 'none']);
    const { code, stderr } = await coordinator.exit;
    expect(stderr).toBe(
      'pennygrad: warning: --budget-usd 5 can never be reached: no worker has a price; give one with --price, or to a worker with --gpu\n',
    );
    expect(code).toBe(0);
  });

  it('a worker that insists on another seed is refused by name, and says so', async () => {
    const coordinator = start([
      ...['coordinator', '--bind', 'tcp://127.0.0.1:*', '--workers', '1', '--dataset', folder],
      ...['--metrics-port', '0', '--timeout', '60'],
    ]);
    const [, endpoint = ''] = await coordinator.waitFor(/--connect (tcp:\S+)/);
    const { code, stderr } = await run(['worker', '--connect', endpoint, '--seed', '2']);
    expect(stderr).toMatch(/refused this worker: seed differs: the run has 1, this worker 2/);
    expect(code).toBe(2);
  });
});
