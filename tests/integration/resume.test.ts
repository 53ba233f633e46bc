/** However a run ends early, going on with it ends where it would have ended: same parameters, bit for bit. */
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { auditRun } from '../../src/run-folder/audit/read-audit.ts';
import { eventually } from '../support/eventually.ts';
import { writeIdxFolder } from '../support/idx-folder.ts';
import { fallen, readLedgerRows } from '../support/ledger-lines.ts';
import { type Exit, killAll, run, start } from '../support/pennygrad.ts';
import { lastCheckpoint, readJsonLines, readSummary } from '../support/run-folder.ts';
import { sha256 } from '../support/small-dataset.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** 40 steps an epoch, the last one short. */
const folder = writeIdxFolder(1990, 100);
/** 800 steps an epoch: it lasts for seconds on any machine, so that what happens in it happens in its middle. */
const longEpochs = writeIdxFolder(39_990, 100);
const runSettings = [
  ...['--batch-size', '50', '--seed', '7', '--metrics-port', '0'],
  // A run that lasts until something happens to it, however fast the machine is.
  ...['--epochs', '99999'],
];
const settings = [...runSettings, '--backend', 'wasm', '--price', '36'];
/** Two workers on long epochs, for what may befall one of them or what they do together. */
const pair = [...settings, '--dataset', longEpochs, '--model', 'mlp'];
/** One worker on short epochs, which starts sooner, where a second would show nothing more. */
const alone = [...settings, '--dataset', folder, '--workers', '1', '--model', 'mlp'];

afterEach(killAll);

const wholeRuns = new Map<string, Promise<string>>();

/** A run of so many steps that nothing happened to. Tests share it: they only read it, or change a copy. */
function uninterrupted(asked: readonly string[], steps: number): Promise<string> {
  const key = [...asked, steps].join(' ');
  const whole = wholeRuns.get(key) ?? trainWhole([...asked, '--steps', String(steps)]);
  wholeRuns.set(key, whole);
  return whole;
}

async function trainWhole(args: readonly string[]): Promise<string> {
  const out = join(temporaryFolder(), 'whole');
  expect((await run(['train', ...args, '--out', out])).code).toBe(0);
  return out;
}

async function copyOfWhole(asked: readonly string[], steps: number): Promise<string> {
  const copy = join(temporaryFolder(), 'run');
  cpSync(await uninterrupted(asked, steps), copy, { recursive: true });
  return copy;
}

/** Where runs that were disturbed soon after each other all end, to be compared with the same whole run. */
function commonEnd(reached: number): number {
  return Math.ceil((reached + 20) / 200) * 200;
}

/** What the checkpoint after so many steps holds, by the sum of each file: Vitest compares a megabyte for seconds. */
function stateAt(out: string, steps: number): Record<string, string> {
  const checkpoint = lastCheckpoint(out);
  expect(checkpoint).toMatch(new RegExp(`step-${steps}$`));
  return Object.fromEntries(
    ['weights.bin', 'optimizer.bin', 'training.json'].map((name) => [
      name,
      sha256(readFileSync(join(checkpoint, name))),
    ]),
  );
}

/**
 * Goes on with a run until it has trained so many steps, and compares what comes of it with a run that did them all at once.
 *
 * @param asked what the run was started with @returns the warnings
 */
async function expectToEndAlike(
  out: string,
  asked: readonly string[],
  steps: number,
  ...flags: readonly string[]
): Promise<string> {
  const { code, stderr } = await run([
    ...['train', '--resume', out, '--steps', String(steps), '--budget-usd', '99'],
    ...flags,
  ]);
  expect(stderr.replace(/.*warning.*\n/g, '')).toBe('');
  expect(code).toBe(0);
  const whole = await uninterrupted(asked, steps);
  expect(stateAt(out, steps)).toEqual(stateAt(whole, steps));
  const lines = readJsonLines(join(out, 'metrics.jsonl')).filter(({ type }) => type === 'step');
  expect(lines.map(({ step }) => step)).toEqual(Array.from({ length: steps }, (_, i) => i + 1));
  const [summary, expected] = [readSummary(out), readSummary(whole)];
  expect(summary).toMatchObject({ status: 'completed', steps, test_accuracy: expected.test_accuracy });
  expect(summary.epochs).toHaveLength(expected.epochs.length);
  summary.epochs.forEach(({ loss, accuracy, samples: seen, test_loss }, index) => {
    const other = expected.epochs[index];
    expect(loss).toBeCloseTo(other?.loss ?? Number.NaN, 9);
    expect({ accuracy, seen, test_loss }).toEqual({
      accuracy: other?.accuracy,
      seen: other?.samples,
      test_loss: other?.test_loss,
    });
  });
  const trained = (run: typeof summary) => run.workers.reduce((sum, worker) => sum + worker.samples, 0);
  expect(trained(summary)).toBe(trained(expected));
  expect(fallen(readLedgerRows(out))).toEqual([]);
  await expectProved(out, steps, 50);
  return stderr;
}

/** Each of so many steps applied each of its samples once, and the run's other files say so too. */
async function expectProved(out: string, steps: number, batch: number): Promise<void> {
  const report = await auditRun(out);
  expect(report).toMatchObject({ proved: true, problems: [], steps, unsavedSteps: 0 });
  // Counted here by the batches alone: every epoch has a short last one.
  const { trainCount } = report.header;
  const perEpoch = Math.ceil(trainCount / batch);
  const due = Math.floor(steps / perEpoch) * trainCount + (steps % perEpoch) * batch;
  expect(report.epochs.reduce((sum, { once }) => sum + once, 0)).toBe(due);
  expect(report.workers.reduce((sum, { samples }) => sum + samples, 0)).toBe(due);
}

/** Does something to a run as soon as its ledger knows of more than so many steps, which is a second after it does. */
async function disturb(
  out: string,
  steps: number,
  act: (pid: number) => void,
  ...args: readonly string[]
): Promise<Exit> {
  const job = start(['train', ...args]);
  await job.waitFor(/rank 0: worker w0/);
  await eventually('a line of the ledger', () => readLedgerRows(out).some(({ step }) => step > steps), 60_000);
  act(job.child.pid ?? 0);
  return job.exit;
}

describe('a run that goes on ends where it would have', () => {
  it('after Ctrl-C in the middle of an epoch', async () => {
    const out = join(temporaryFolder(), 'run');
    const interrupt = (pid: number) => process.kill(pid, 'SIGINT');
    const first = await disturb(out, 0, interrupt, ...pair, '--out', out);
    expect(first.code).toBe(130);
    expect(first.stderr).toMatch(/to resume: pennygrad train --resume \S+\n/);
    const before = readSummary(out);
    expect(before).toMatchObject({ epochs: [], interrupted_epoch: { epoch: 1, samples: before.steps * 50 } });
    await expectToEndAlike(out, pair, commonEnd(before.steps));
    const after = readSummary(out);
    expect(after).toMatchObject({ run_id: before.run_id, started_at: before.started_at });
    expect(after.cost_usd_total).toBeGreaterThan(before.cost_usd_total);
    expect(after.workers.map(({ seconds_by_category }) => seconds_by_category.wasted)).toEqual([0, 0]);
  });

  it('after two coordinators were killed, one after the other: both are counted', async () => {
    const saved = 7;
    const out = await copyOfWhole(pair, saved);
    const kill = (pid: number) => process.kill(pid, 'SIGKILL');
    const killed = await disturb(out, saved, kill, '--resume', out, '--steps', '99999');
    expect(killed.signal).toBe('SIGKILL');
    const reached = Math.max(...readLedgerRows(out).map(({ step }) => step));
    const next = start(['train', '--resume', out]);
    const metrics = join(out, 'metrics.jsonl');
    await eventually('a second coordinator', () => readFileSync(metrics, 'utf8').includes('"cut-off"'));
    next.child.kill('SIGKILL');
    await next.exit;
    await expectToEndAlike(out, pair, commonEnd(reached));
    expect(readSummary(out).interruptions).toMatchObject({ by_reason: { coordinator: { count: 2 } } });
  });

  it('from the last checkpoint within the epoch after the coordinator was killed: drafts are gone, what is lost is trained again and booked as wasted', async () => {
    const out = join(temporaryFolder(), 'run');
    const every = ['--checkpoint-every', '50'];
    const kill = (pid: number) => process.kill(pid, 'SIGKILL');
    const killed = await disturb(out, 150, kill, ...pair, ...every, '--out', out);
    expect(killed.signal).toBe('SIGKILL');
    const reached = Math.max(...readLedgerRows(out).map(({ step }) => step));
    const saved = Number(lastCheckpoint(out).match(/step-(\d+)$/)?.[1]);
    expect(saved % 50).toBe(0);
    // It is written while training goes on, one at a time.
    expect(saved).toBeGreaterThan(reached - 4 * 50);
    // As a writer leaves them that is killed at that moment.
    const draft = '4242-0b7a4ec6-3c0a-4f4e-9d1e-0a1b2c3d4e5f.tmp';
    mkdirSync(join(out, 'checkpoints', `.step-999.${draft}`));
    mkdirSync(join(out, 'checkpoints', '.step-999-4242'));
    for (const name of [`.summary.json.${draft}`, 'metrics.jsonl.4242.tmp']) writeFileSync(join(out, name), 'half');
    await expectToEndAlike(out, pair, commonEnd(reached));
    const left = readdirSync(out, { recursive: true, encoding: 'utf8' });
    expect(left.filter((name) => /tmp$|\.step-|4242/.test(name))).toEqual([]);

    const resumed = readJsonLines(join(out, 'metrics.jsonl')).findLast(({ type }) => type === 'resume');
    expect(resumed).toMatchObject({ step: saved });
    expect(resumed?.lost_steps).toBeGreaterThanOrEqual(reached - saved);
    const audited = await run(['audit', out, '--json']);
    expect(audited.code, audited.stderr).toBe(0);
    const [{ lost_steps, epochs }] = JSON.parse(audited.stdout).runs;
    // The ledger is a second behind; the audit has every step that was committed before the kill.
    expect(lost_steps).toBeGreaterThanOrEqual(Number(resumed?.lost_steps));
    expect(lost_steps).toBeGreaterThan(0);
    expect(epochs).toMatchObject([{ epoch: 1, missing: 0, repeated: 0, lost_steps }]);
    const kept = readFileSync(join(out, 'samples.audit'), 'utf8');
    const resume = `{"type":"resume","step":${saved}}\n`;
    expect(kept).toContain(resume);
    // Without the resume, the same file says that steps were applied twice.
    writeFileSync(join(out, 'samples.audit'), kept.replaceAll(resume, ''));
    const forged = await run(['audit', out]);
    expect(forged.stdout).toMatch(
      new RegExp(`^Problem: steps ${saved + 1} to \\d+ are there again in line \\d+, without a resume$`, 'm'),
    );
    expect(forged.stdout).toMatch(/^Epoch 1: [\d,]+ training images repeated: /m);
    expect(forged.code).toBe(3);
    for (const { seconds_by_category } of readSummary(out).workers) {
      expect(seconds_by_category.wasted).toBeGreaterThan(0);
      expect(seconds_by_category.compute).toBeGreaterThan(0);
    }
  });

  it('after a remote worker left in the middle of an epoch: the other one has every step', async () => {
    const out = join(temporaryFolder(), 'run');
    const bind = ['--bind', 'tcp://127.0.0.1:*', '--workers', '2', '--price', '36', '--on-loss', 'fail'];
    const trained = [...runSettings, '--dataset', longEpochs, '--model', 'mlp'];
    const coordinator = start(['coordinator', ...bind, ...trained, '--out', out]);
    const [, endpoint = ''] = await coordinator.waitFor(/--connect (tcp:\S+)/);
    const [leaving, staying] = ['a', 'b'].map((id) =>
      start(['worker', '--connect', endpoint, '--id', id, '--backend', 'wasm']),
    );
    await eventually('a line of the ledger', () => readLedgerRows(out).some(({ step }) => step > 0), 60_000);
    leaving?.child.kill('SIGINT');
    expect((await leaving?.exit)?.code).toBe(130);
    const { code, stderr } = await coordinator.exit;
    const { steps, status, reason, workers } = readSummary(out);
    expect(code).toBe(4);
    expect(status).toBe('failed');
    expect(reason).toMatch(new RegExp(`; the checkpoint has step ${steps}, from the workers that are left$`));
    expect(stderr).toMatch(
      new RegExp(`worker a .* left during (step|idle): .*; the checkpoint has step ${steps}, from the`),
    );
    expect(stderr).toMatch(/to resume: pennygrad \w+ --resume \S+/);
    expect(lastCheckpoint(out)).toMatch(new RegExp(`step-${steps}$`));
    // Each sample counts once, for whoever trained it.
    expect(workers.reduce((sum, { samples }) => sum + samples, 0)).toBe(steps * 50);
    expect((await staying?.exit)?.code).toBe(4);
    // The same workers, so that the summary has the samples of both sittings.
    const again = ['a', 'b'].flatMap((id) => ['--worker', `id=${id},backend=wasm`]);
    await expectToEndAlike(out, pair, commonEnd(steps), ...again);
    const resumed = readJsonLines(join(out, 'metrics.jsonl')).findLast(({ type }) => type === 'resume');
    expect(resumed).toEqual({ type: 'resume', step: steps, lost_steps: 0 });
  });

  it('after a budget, twice, which counts what was spent before', async () => {
    const out = join(temporaryFolder(), 'run');
    // The worker costs ten cents a second.
    const dear = [...runSettings, '--backend', 'wasm', '--dataset', folder, '--workers', '1', '--model', 'mlp'];
    const first = await run(['train', ...dear, '--price', '360', '--out', out, '--budget-usd', '0.2']);
    expect(first.code).toBe(5);
    const spent = readSummary(out).cost_usd_total;
    expect(spent).toBeGreaterThanOrEqual(0.2);
    const again = await run(['train', '--resume', out]);
    expect(again.stderr).toMatch(/--budget-usd 0\.2 is reached: the run has cost \$0\.\d.* give it more/);
    expect(again.code).toBe(2);
    const more = spent + 0.2;
    const second = await run(['train', '--resume', out, '--budget-usd', String(more)]);
    expect(second.code).toBe(5);
    expect(readSummary(out).cost_usd_total).toBeGreaterThanOrEqual(more);
    await expectToEndAlike(out, dear, readSummary(out).steps + 5);
  });

  it('from the checkpoint before, where the last one is damaged', async () => {
    const out = await copyOfWhole(alone, 47);
    const weights = join(lastCheckpoint(out), 'weights.bin');
    const bytes = readFileSync(weights);
    bytes[1000] = (bytes[1000] ?? 0) ^ 1;
    writeFileSync(weights, bytes);
    const warnings = await expectToEndAlike(out, alone, 85);
    expect(warnings).toMatch(/damaged checkpoint: .*weights\.bin: .*SHA-256.*going on from step-40/);
    expect(warnings).toMatch(/7 steps after the checkpoint are lost, unless a worker has kept them/);
  });
});

describe('a run that goes on with other workers', () => {
  it('keeps what the former ones cost, and the price of each time', async () => {
    const out = await copyOfWhole(pair, 7);
    const before = readSummary(out);
    const { code, stdout } = await run(['train', '--resume', out, '--steps', '11', '--workers', '1', '--price', '72']);
    expect(code).toBe(0);
    const after = readSummary(out);
    expect(after).toMatchObject({ world_size: 1, steps: 11, price_usd_per_hour: 72 });
    const [first, second] = before.workers;
    expect(after.former_workers_cost_usd).toBeCloseTo(second?.cost_usd ?? Number.NaN, 9);
    const [worker] = after.workers;
    const more = (worker?.alive_seconds ?? 0) - (first?.alive_seconds ?? 0);
    expect(worker?.cost_usd).toBeCloseTo((first?.cost_usd ?? 0) + (more * 72) / 3600, 9);
    expect(after.cost_usd_total).toBeCloseTo(after.former_workers_cost_usd + (worker?.cost_usd ?? 0), 9);
    const change = 'w1 left, w0 is $72.00 an hour instead of $36.00 an hour';
    expect(before).not.toHaveProperty('fleet_changes');
    expect(after.fleet_changes).toEqual([{ step: 7, change }]);
    expect(stdout).toContain(`Changed after step 7: ${change}\n`);
    expect(stdout).toMatch(/^ w1 +left .*\$/m);
    expect(after.departed_workers).toMatchObject([{ worker_id: 'w1', rentals: 1, samples: second?.samples }]);
    expect(after.departed_workers?.[0]?.cost_usd).toBeCloseTo(after.former_workers_cost_usd, 9);
    // An epoch of both: what each step cost in its time.
    const steps = readJsonLines(join(out, 'metrics.jsonl')).filter(({ type }) => type === 'step');
    const epochUsd = steps.reduce((sum, { cost_usd }) => sum + Number(cost_usd), 0);
    expect(after.epochs.map(({ cost_usd }) => cost_usd)).toEqual([expect.closeTo(epochUsd, 9)]);
    expect(after.workers.reduce((sum, { samples: trained }) => sum + trained, 0)).toBe(4 * 50 + (first?.samples ?? 0));
    await expectProved(out, 11, 50);
  });
});

describe('a run whose record is damaged', () => {
  it('goes on from its checkpoint, and says in all places what is missing', async () => {
    const out = await copyOfWhole(alone, 47);
    rmSync(join(out, 'metrics.jsonl'));
    const ledger = readFileSync(join(out, 'ledger.jsonl'), 'utf8').split('\n');
    writeFileSync(join(out, 'ledger.jsonl'), ledger.map((line, i) => (i === 1 ? line.slice(9) : line)).join('\n'));
    const { code, stderr, stdout } = await run(['train', '--resume', out, '--steps', '85']);
    expect(code).toBe(0);
    const gaps = [
      'metrics.jsonl lacks steps, .*: 1 to 47',
      'metrics.jsonl lacks the results of epochs: 1',
      'ledger.jsonl had damaged lines, .*: 2; the bill is complete .*',
    ];
    const { gaps: said, steps, train_seconds, samples_per_second } = readSummary(out);
    expect(said).toEqual(gaps.map((gap) => expect.stringMatching(gap)));
    expect(steps).toBe(85);
    const lines = readJsonLines(join(out, 'metrics.jsonl'));
    const trained = lines.filter(({ type }) => type === 'step');
    expect(trained.map(({ step }) => step)).toEqual(Array.from({ length: 38 }, (_, i) => 48 + i));
    // Rates are of what was recorded.
    expect(train_seconds).toBeCloseTo(
      trained.reduce((sum, { seconds }) => sum + Number(seconds), 0),
      9,
    );
    // The last step of the second epoch has 40 samples.
    expect(samples_per_second).toBeCloseTo((37 * 50 + 40) / train_seconds, 6);
    expect(lines.find(({ type }) => type === 'resume')).toMatchObject({ gaps: said });
    for (const gap of said ?? []) {
      expect(stderr).toContain(`pennygrad: warning: ${gap}\n`);
      expect(stdout).toContain(`Incomplete: ${gap}\n`);
      expect(readFileSync(join(out, 'report.html'), 'utf8')).toContain(`incomplete: ${gap}`);
    }
    await expectProved(out, 85, 50);
    // From the middle of an epoch into the next.
    expect(stateAt(out, 85)).toEqual(stateAt(await uninterrupted(alone, 85), 85));
  });
});

describe('a run in another place', () => {
  it('goes on from another directory, and on another host by the name that the data has there', async () => {
    const home = temporaryFolder();
    cpSync(folder, join(home, 'data'), { recursive: true });
    const first = await run(
      [
        'train',
        ...settings,
        '--workers',
        '1',
        '--model',
        'mlp',
        '--dataset',
        './data',
        '--steps',
        '5',
        '--out',
        'runs/a',
      ],
      { cwd: home },
    );
    expect(first.code).toBe(0);
    // start() runs in a folder of its own unless it is told otherwise.
    const second = await run(['train', '--resume', join(home, 'runs/a'), '--steps', '6']);
    expect(second.code, second.stderr).toBe(0);
    const evaluated = await run(['evaluate', join(home, 'runs/a'), '--backend', 'wasm']);
    expect(evaluated.code, evaluated.stderr).toBe(0);
    // Another host has neither the directory nor the folder.
    const elsewhere = join(temporaryFolder(), 'moved');
    renameSync(join(home, 'runs/a'), elsewhere);
    rmSync(join(home, 'data'), { recursive: true });
    const lost = await run(['train', '--resume', elsewhere, '--steps', '7']);
    const digest = JSON.parse(readFileSync(join(elsewhere, 'config.json'), 'utf8')).dataset.digest;
    expect(lost.stderr).toContain(`does not exist; expected a folder with`);
    expect(lost.stderr).toContain(`with --dataset or --data-dir; the digest of its data is ${digest}\n`);
    expect(lost.code).toBe(2);
    const third = await run(['train', '--resume', elsewhere, '--steps', '47', '--dataset', folder]);
    expect(third.code, third.stderr).toBe(0);
    expect(stateAt(elsewhere, 47)).toEqual(stateAt(await uninterrupted(alone, 47), 47));
  });

  it('tells a remote worker that lacks its folder how to name it, and takes the data by any name', async () => {
    const coordinator = start(
      [
        ...['coordinator', '--bind', 'tcp://127.0.0.1:*', '--workers', '1', '--metrics-port', '0', '--steps', '2'],
        ...['--dataset', `./${basename(folder)}`, '--model', 'softmax', '--timeout', '120'],
        ...['--out', join(temporaryFolder(), 'run')],
      ],
      { cwd: dirname(folder) },
    );
    const [, endpoint = ''] = await coordinator.waitFor(/--connect (tcp:\S+)/);
    const joining = ['worker', '--connect', endpoint, '--backend', 'wasm'];
    const lacks = await run([...joining, '--dataset', '/absent/data']);
    expect(lacks.stderr).toMatch(
      /folder \/absent\/data: does not exist; .*; name the run's data on this host with --dataset or --data-dir; its digest must be [0-9a-f]{64}\n/,
    );
    expect(lacks.code).toBe(2);
    const differs = await run([...joining, '--dataset', writeIdxFolder(1990, 101)]);
    expect(differs.stderr).toMatch(
      /dataset digest differs: .*with --dataset or --data-dir; its digest must be [0-9a-f]{64}\n/,
    );
    expect(differs.code).toBe(2);
    // From another directory, with the path that the coordinator was given.
    expect((await run(joining)).code).toBe(0);
    expect((await coordinator.exit).code).toBe(0);
  });
});

// Every setting, and every file that is none: tests/unit/cli/resumed-run.test.ts. A ledger that is gone, and whatever else is
// damaged: tests/unit/coordinator/record/resumption.test.ts.
describe('a run that cannot go on', () => {
  it('because nothing is left to do says so', async () => {
    const { code, stderr } = await run(['train', '--resume', await uninterrupted(alone, 47)]);
    expect(stderr).toMatch(/has trained 47 steps, which --steps 47 allows; --steps N goes on to N/);
    expect(code).toBe(2);
  });
});

describe('a target', () => {
  it('ends the run well once the test accuracy has it, and says what it took', async () => {
    const out = join(temporaryFolder(), 'run');
    const { code } = await run(['train', ...alone, '--out', out, '--target-accuracy', '0.5']);
    expect(code).toBe(0);
    const summary = readSummary(out);
    expect(summary.epochs.at(-1)?.test_accuracy).toBeGreaterThanOrEqual(0.5);
    for (const { test_accuracy } of summary.epochs.slice(0, -1)) expect(test_accuracy).toBeLessThan(0.5);
    expect(summary).toMatchObject({ status: 'completed', reason: expect.stringMatching(/--target-accuracy 0\.5/) });
    for (const { accuracy, seconds, cost_usd } of summary.time_to_accuracy) {
      const reached = summary.epochs.some(({ test_accuracy }) => test_accuracy >= accuracy);
      expect([seconds !== null, cost_usd !== null]).toEqual([reached, reached]);
    }
  });
});
