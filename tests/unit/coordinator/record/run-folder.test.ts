import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { publishTo } from '../../../../src/coordinator/publish-events.ts';
import { createBookkeeper } from '../../../../src/coordinator/record/bookkeeper.ts';
import { readMetrics } from '../../../../src/coordinator/record/metrics-log.ts';
import { openRunFolder, type RunFolder } from '../../../../src/coordinator/record/run-folder.ts';
import type { EpochEvent, RunEvent, RunObserver } from '../../../../src/coordinator/run-events.ts';
import { systemClock } from '../../../../src/shared/core/clock.ts';
import { auditHeader } from '../../../support/audit-header.ts';
import { member, savedCheckpoint, stepEvent } from '../../../support/observed-run.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const trained = {
  model: { name: 'softmax', inputShape: [2, 2, 1], classes: 2 },
  optimizer: { name: 'sgd', learningRate: 1 },
  seed: 1,
} as const;
const listening = { type: 'listening', endpoint: 'tcp://127.0.0.1:5555' } as const;

const epochEvent = (epoch: number): EpochEvent => ({
  type: 'epoch',
  epoch,
  loss: 0.5,
  accuracy: 0.75,
  testLoss: 0.4,
  testAccuracy: 0.9,
  samples: 128,
  seconds: 2,
  evaluateSeconds: 0.5,
});

/** A folder with these files, by their content; folders by `undefined`. */
function folderWith(files: Readonly<Record<string, string | undefined>>): string {
  const folder = temporaryFolder();
  for (const [name, content] of Object.entries(files)) {
    if (content === undefined) mkdirSync(join(folder, name), { recursive: true });
    else writeFileSync(join(folder, name), content);
  }
  return folder;
}

const options = { clock: systemClock, keep: 2, report: () => {} };
const resumedWith = (wholeMetrics: string) => ({ wholeMetrics, checkpoints: { whole: undefined, damaged: [] } });
const open = (folder: string) => openRunFolder(folder, trained, auditHeader(), options);
const reopen = (folder: string, wholeMetrics: string) =>
  openRunFolder(folder, trained, auditHeader(), { ...options, resumed: resumedWith(wholeMetrics) });

describe('the folder of a new run', () => {
  test('stays empty until the coordinator listens', () => {
    const folder = folderWith({});
    const files = open(folder);
    expect(readdirSync(folder)).toEqual([]);
    files.observe(listening);
    expect(readdirSync(folder).sort()).toEqual(['checkpoints', 'ledger.jsonl', 'metrics.jsonl', 'samples.audit']);
  });

  test.each([
    ['of a start that failed before the first worker', {}],
    [
      'of a start that failed with a worker there',
      { 'ledger.jsonl': '{"worker":"w0"}\n', 'summary.json': '{ "status": "failed" }' },
    ],
  ])('may be that %s: nothing of it stays', (_, more) => {
    const folder = folderWith({
      'config.json': '{}',
      'metrics.jsonl': '',
      'ledger.jsonl': '',
      checkpoints: undefined,
      lock: undefined,
      ...more,
    });
    open(folder).observe(listening);
    expect(readdirSync(folder).sort()).toEqual([
      'checkpoints',
      'ledger.jsonl',
      'lock',
      'metrics.jsonl',
      'samples.audit',
    ]);
    expect(readFileSync(join(folder, 'ledger.jsonl'), 'utf8')).toBe('');
  });

  test.each([
    ['a run that has trained', { 'config.json': '{}', 'metrics.jsonl': '{}\n' }, 'already holds a run'],
    ['a run with a checkpoint', { 'metrics.jsonl': '', 'checkpoints/step-3': undefined }, 'already holds a run'],
    ['a run that has lost its metrics', { 'config.json': '{}' }, 'already holds a run'],
    [
      'a run that has cost something, and can be resumed',
      {
        'config.json': '{}',
        'metrics.jsonl': '',
        'ledger.jsonl': '{"worker":"w0"}\n',
        checkpoints: undefined,
        'summary.json': '{ "status": "interrupted" }',
      },
      'already holds a run',
    ],
    ['the report of a comparison', { 'report.html': '<html>' }, 'is not empty'],
    ['a summary that was kept', { 'summary.json': '{ "status": "failed" }' }, 'is not empty'],
    ['a run and notes of the user', { 'config.json': '{}', 'notes.txt': 'mine' }, 'already holds a run'],
    ['something else', { 'thesis.tex': 'mine' }, 'is not empty'],
  ])('may not hold %s, which stays as it is', (_, files, reason) => {
    const folder = folderWith(files);
    const before = readdirSync(folder, { recursive: true });
    expect(() => open(folder)).toThrow(`--out ${folder}: ${reason}; choose another folder`);
    expect(readdirSync(folder, { recursive: true })).toEqual(before);
  });

  test('that cannot be listed is named', () => {
    const missing = join(temporaryFolder(), 'none');
    expect(() => open(missing)).toThrow(`--out ${missing}: cannot be read`);
  });
});

/** Training goes on after a step, and this is kept of `metrics.jsonl`. */
function wentOn(step: number, keptMetrics: string): RunEvent {
  const record = { step, generation: 1, samplesBefore: 0, samples: 0, trainSeconds: 0, epochs: [], milestones: [] };
  return {
    type: 'went-on',
    step,
    record: {
      ...record,
      skippedSteps: 0,
      skippedInRow: 0,
      openEpoch: undefined,
      samplesByWorker: undefined,
      keptMetrics,
    },
  };
}

test('a run that is resumed keeps all its metrics until its workers have shown how far they are', () => {
  const folder = folderWith({ 'config.json': '{}', 'metrics.jsonl': 'all\n', checkpoints: undefined });
  const files = reopen(folder, 'whole\n');
  const metrics = () => readFileSync(join(folder, 'metrics.jsonl'), 'utf8');
  expect(metrics()).toBe('all\n');
  files.observe(listening);
  expect(metrics()).toBe('whole\n');
  files.observe(wentOn(1, 'kept\n'));
  expect(metrics()).toBe('kept\n');
  files.observe(stepEvent(1));
  // At once, and into the new file.
  expect(metrics()).toMatch(/^kept\n{"type":"step","step":2,.*}\n$/);
});

test('a step that is recorded before it is committed is written then, and once', () => {
  const folder = folderWith({});
  const files = open(folder);
  files.observe(listening);
  const step = stepEvent(0);
  files.record(step);
  const written = () => ['metrics.jsonl', 'samples.audit'].map((name) => readFileSync(join(folder, name), 'utf8'));
  const before = written();
  expect(before[0]).toMatch(/^{"type":"step","step":1,.*}\n$/);
  files.observe(step);
  expect(written()).toEqual(before);
});

describe('a step that another one follows', () => {
  function recordOne() {
    const folder = folderWith({});
    const files = open(folder);
    files.observe(listening);
    const stepsOf = (name: string) => {
      const lines = readFileSync(join(folder, name), 'utf8').trimEnd().split('\n');
      return lines.filter((line) => line === '1' || line.startsWith('{"type":"step"')).length;
    };
    const written = () => ['metrics.jsonl', 'samples.audit'].map(stepsOf);
    files.record(stepEvent(0), true);
    return { files, written };
  }

  test('is written with it', () => {
    const { files, written } = recordOne();
    expect(written()).toEqual([0, 0]);
    files.record(stepEvent(1), true);
    files.record(stepEvent(2), false);
    expect(written()).toEqual([3, 3]);
  });

  const waysOut: readonly (readonly [string, (files: RunFolder) => void])[] = [
    ['something else happens', (files) => files.observe({ type: 'tick' })],
    ['the folder is flushed', (files) => files.flush()],
    ['the folder is closed', (files) => void files.close()],
  ];
  test.each(waysOut)('is written, though none follows, when %s', async (_, happen) => {
    const { files, written } = recordOne();
    happen(files);
    await Promise.resolve();
    await Promise.resolve();
    expect(written()).toEqual([1, 1]);
    files.flush();
    expect(written()).toEqual([1, 1]);
  });

  test('is in the audit before the way back that makes it void', () => {
    const folder = folderWith({});
    const files = open(folder);
    files.observe(listening);
    files.record(stepEvent(0), true);
    files.observe(wentOn(0, ''));
    const [, step, resume] = readFileSync(join(folder, 'samples.audit'), 'utf8').split('\n');
    expect([step, resume]).toEqual([expect.stringContaining('"type":"step"'), '{"type":"resume","step":0}']);
    expect(readFileSync(join(folder, 'metrics.jsonl'), 'utf8')).toBe('');
  });
});

test('a step has who trained how many of its samples, where that is not as in the step before', () => {
  const folder = folderWith({});
  const files = open(folder);
  files.observe(listening);
  const [first, second] = stepEvent(0).members;
  if (first === undefined || second === undefined) throw new Error('no members');
  files.observe(stepEvent(0));
  files.observe(stepEvent(1));
  files.observe(stepEvent(2, { members: [{ ...first, samples: 1 }, second] }));
  const lines = readFileSync(join(folder, 'metrics.jsonl'), 'utf8').trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line).worker_samples)).toEqual([
    { w0: first.samples, w1: second.samples },
    undefined,
    { w0: 1, w1: second.samples },
  ]);
});

describe('samples.audit', () => {
  const auditOf = (folder: string) => readFileSync(join(folder, 'samples.audit'), 'utf8');
  const header =
    '{"type":"audit","v":1,"run_id":"r1","pennygrad":"0.1.0","seed":7,"train":10,"batch_size":4,"dataset":"a1b2"}\n';
  const first = '{"type":"step","step":1,"epoch":1,"shares":[["w0",0,32],["w1",32,64]]}\n';
  const resume = (folder: string, step: number) => {
    const files = reopen(folder, '');
    files.observe({ type: 'resumed', step, samples: step * 64, epoch: undefined });
    files.observe(listening);
    files.observe(wentOn(step, ''));
    return files;
  };

  test('has every step as soon as it is committed: two bytes where nothing changes', () => {
    const folder = folderWith({});
    const files = open(folder);
    files.observe(listening);
    expect(auditOf(folder)).toBe(header);
    files.observe(stepEvent(0));
    expect(auditOf(folder)).toBe(header + first);
    files.observe(stepEvent(1));
    files.observe(stepEvent(2));
    expect(auditOf(folder)).toBe(`${header}${first}1\n1\n`);
  });

  test.each([
    ['other shares', stepEvent(1, { shares: [{ workerId: 'w0', from: 64, to: 128 }] })],
    ['another epoch', stepEvent(1, { epoch: 1 })],
    ['another place in the order', { ...stepEvent(2), step: 1 }],
    [
      'another worker',
      stepEvent(1, { shares: stepEvent(1).shares.map((s) => ({ ...s, workerId: `${s.workerId}a` })) }),
    ],
    ['a step left out before it', stepEvent(2, { shares: stepEvent(1).shares })],
  ])('has a line of its own for a step with %s', (_, event) => {
    const folder = folderWith({});
    const files = open(folder);
    files.observe(listening);
    files.observe(stepEvent(0));
    files.observe(event);
    const line = JSON.parse(auditOf(folder).trimEnd().split('\n').at(-1) ?? '');
    expect(line).toEqual({
      type: 'step',
      step: event.step + 1,
      epoch: event.epoch + 1,
      shares: event.shares.map(({ workerId, from, to }) => [workerId, from, to]),
    });
  });

  test('is continued on resume, without the line that a kill cut off', () => {
    const folder = folderWith({ 'samples.audit': `${header}${first}1\n{"type":"st` });
    const files = resume(folder, 1);
    files.observe(stepEvent(1));
    files.observe(stepEvent(2));
    const second = '{"type":"step","step":2,"epoch":1,"shares":[["w0",64,96],["w1",96,128]]}\n';
    expect(auditOf(folder)).toBe(`${header}${first}1\n{"type":"resume","step":1}\n${second}1\n`);
  });

  test.each([
    ['an older version', {}],
    ['a version that was killed as it began', { 'samples.audit': '{"type":"au' }],
  ])('begins with the resume of a run of %s', (_, files) => {
    const folder = folderWith(files);
    resume(folder, 3);
    expect(auditOf(folder)).toBe(`${header}{"type":"resume","step":3}\n`);
  });
});

describe('the metrics of a run whose fleet changes', () => {
  const generation = (number: number, ...ranks: readonly number[]): RunEvent => ({
    type: 'generation',
    number,
    parameterCount: 10,
    reason: 'ready',
    members: ranks.map((rank) => member(rank)),
  });
  const epochEvent = (testLoss: number): EpochEvent => ({
    type: 'epoch',
    epoch: 0,
    loss: 1,
    accuracy: 1,
    testLoss,
    testAccuracy: 0.5,
    samples: 128,
    seconds: 2,
    evaluateSeconds: 1,
  });

  /** The lines of a run with these events, each with its type and its step or epoch. */
  function write(...events: readonly RunEvent[]): { readonly text: string; readonly lines: readonly unknown[][] } {
    const folder = folderWith({});
    const files = open(folder);
    files.observe(listening);
    for (const event of events) files.observe(event);
    files.flush();
    const text = readFileSync(join(folder, 'metrics.jsonl'), 'utf8');
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
      .map(({ type, step, epoch }) => [type, step ?? epoch]);
    return { text, lines };
  }

  test('have a line of each fleet, with the committed steps before it', () => {
    const { lines } = write(generation(1, 0, 1), stepEvent(0), stepEvent(1), generation(2, 0), stepEvent(2));
    expect(lines).toEqual([
      ['fleet', 0],
      ['step', 1],
      ['step', 2],
      ['fleet', 2],
      ['step', 3],
    ]);
    const rolledBack = { type: 'rolled-back', step: 0, lostSteps: 1 } as const;
    const { lines: back } = write(generation(1, 0), stepEvent(0), rolledBack, generation(2, 1));
    expect(back.at(-1)).toEqual(['fleet', 0]);
    const { lines: resumed } = write({ type: 'resumed', step: 7, samples: 448, epoch: undefined }, generation(1, 0));
    expect(resumed.at(-1)).toEqual(['fleet', 7]);
  });

  test('say where the run went back to, and each step counts once, as it was trained last', () => {
    const events = [
      ...[generation(1, 0, 1), stepEvent(0), stepEvent(1, { loss: 9 }), epochEvent(9), generation(2, 2)],
      { type: 'rolled-back', step: 1, lostSteps: 1 } as const,
      ...[stepEvent(1, { loss: 0.25 }), epochEvent(0.5), generation(3, 2, 3)],
    ];
    const { text, lines } = write(...events);
    expect(lines.slice(5)).toEqual([
      ['resume', 1],
      ['step', 2],
      ['epoch', 1],
      ['fleet', 2],
    ]);
    expect(text).toContain('"type":"resume","step":1,"lost_steps":1');
    const history = readMetrics(text, { step: 2, perEpoch: 2 });
    expect(history).toMatchObject({ samples: 128, trainSeconds: 2, lastStep: 2, gaps: [], openEpoch: undefined });
    expect(history.epochs).toMatchObject([{ epoch: 0, testLoss: 0.5 }]);
    expect(history.kept).not.toContain('"loss":9');
    expect(history.fleets.map(({ step }) => step)).toEqual([0, 2, 2]);
  });
});

describe('the files of a run that trains', () => {
  function train(folder: string) {
    const told: RunEvent[] = [];
    const seen: string[][] = [];
    const read = (name: string) => readFileSync(join(folder, name), 'utf8');
    const files: RunFolder = openRunFolder(folder, trained, auditHeader(), {
      clock: systemClock,
      keep: 2,
      report: (event) => observe(event),
    });
    const bookkeeper = createBookkeeper({ clock: systemClock, startedAt: systemClock.now(), carried: undefined });
    const watch = (event: RunEvent) => {
      told.push(event);
      if (event.type === 'checkpoint-saved') seen.push(['metrics.jsonl', 'ledger.jsonl', 'samples.audit'].map(read));
    };
    const observe: RunObserver = publishTo([files.observe, watch], bookkeeper.observe, files.linesWaiting);
    observe(listening);
    observe({ type: 'worker-began', workerId: 'w0', at: systemClock.now(), priceUsdPerHour: 1 });
    observe({ type: 'generation', number: 1, members: [member(0, 1)], parameterCount: 1, reason: 'ready' });
    const typesTold = () => told.map(({ type }) => type).filter((type) => /^(lines|checkpoint-)/.test(type));
    return { files, observe, told, seen, read, typesTold };
  }

  test('have the steps and the accounts of a checkpoint once it is told, and not only then', async () => {
    const folder = folderWith({});
    const { files, observe, seen } = train(folder);
    observe(stepEvent(0));
    observe({ type: 'checkpoint', checkpoint: savedCheckpoint, seconds: 0 });
    expect(await files.checkpointsWritten()).toBeUndefined();
    expect(seen).toHaveLength(1);
    expect(seen[0]?.[0]).toContain('{"type":"step","step":1,');
    expect(seen[0]?.[1]).toContain('{"cause":"checkpoint",');
    expect(seen[0]?.[2]).toContain('{"type":"step","step":1,');
    expect(readdirSync(join(folder, 'checkpoints'))).toEqual(['step-1']);
    await files.close();
  });

  test('are tried again each second, also while nothing is trained', async () => {
    const folder = folderWith({});
    const { files, observe, read, typesTold } = train(folder);
    renameSync(join(folder, 'samples.audit'), join(folder, 'away'));
    mkdirSync(join(folder, 'samples.audit'));
    observe(stepEvent(0));
    observe({ type: 'tick' });
    expect(typesTold()).toEqual(['lines-waiting']);
    rmSync(join(folder, 'samples.audit'), { recursive: true });
    renameSync(join(folder, 'away'), join(folder, 'samples.audit'));
    observe({ type: 'tick' });
    expect(typesTold()).toEqual(['lines-waiting', 'lines-written']);
    expect(read('samples.audit')).toMatch(/\n\{"type":"step","step":1,.*\n$/);
    await files.close();
  });

  test('wait where one cannot be written, which is told once, and miss nothing when it can', async () => {
    const folder = folderWith({});
    const { files, observe, read, typesTold } = train(folder);
    const before = read('ledger.jsonl');
    renameSync(join(folder, 'ledger.jsonl'), join(folder, 'away'));
    // What is called so now is no file, not even for root.
    mkdirSync(join(folder, 'ledger.jsonl'));
    for (const epoch of [0, 1]) observe(epochEvent(epoch));
    observe({ type: 'checkpoint', checkpoint: savedCheckpoint, seconds: 0 });
    expect(await files.checkpointsWritten()).toMatchObject({
      code: 'run-failed',
      message: expect.stringMatching(/^cannot write .*ledger\.jsonl: EISDIR/),
    });
    expect(() => files.flush()).toThrow(/^cannot write .*ledger\.jsonl: EISDIR/);
    expect(readdirSync(join(folder, 'checkpoints'))).toEqual([]);
    rmSync(join(folder, 'ledger.jsonl'), { recursive: true });
    renameSync(join(folder, 'away'), join(folder, 'ledger.jsonl'));
    observe(epochEvent(2));
    expect(await files.checkpointsWritten()).toBeUndefined();
    await files.close();
    expect(typesTold()).toEqual([
      'lines-waiting',
      'checkpoint-failed',
      'checkpoint-failed',
      'lines-written',
      'checkpoint-saved',
    ]);
    expect(readdirSync(join(folder, 'checkpoints'))).toEqual(['step-1']);
    const added = read('ledger.jsonl').slice(before.length).trimEnd().split('\n');
    expect(added.map((line) => JSON.parse(line)).map(({ cause, epoch }) => [cause, epoch])).toEqual([
      ['epoch', 1],
      ['epoch', 2],
      ['checkpoint', undefined],
      ['epoch', 3],
    ]);
  });
});
