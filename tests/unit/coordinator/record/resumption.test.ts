import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type ResumedTraining, readRecord, readResumption } from '../../../../src/coordinator/record/resumption.ts';
import type { TrainingConfig } from '../../../../src/settings/training-settings.ts';
import { encodeCheckpoint } from '../../../../src/shared/model/checkpoint-files.ts';
import { trainingConfig } from '../../../support/settings.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

// Four steps an epoch: three of 16 samples and one of 2.
const spec = {
  model: { name: 'softmax', inputShape: [1, 1, 1], classes: 2 },
  optimizer: { name: 'sgd', learningRate: 0.5 },
  seed: 1,
} as const;
const resumed = (changes: Partial<TrainingConfig> = {}): ResumedTraining => ({
  spec,
  training: trainingConfig({ batchSize: 16, epochs: 3, ...changes }),
  trainCount: 50,
});

const stepLine = (step: number) => ({
  type: 'step',
  step,
  epoch: Math.ceil(step / 4),
  samples: step % 4 === 0 ? 2 : 16,
  loss: 0.5,
  seconds: 0.25,
  accuracy: 0.5,
});
const epochLine = (epoch: number) => ({
  type: 'epoch',
  epoch,
  loss: 0.5,
  accuracy: 0.5,
  test_loss: 0.4,
  test_accuracy: 0.6,
  samples: 50,
  seconds: 1,
  evaluate_seconds: 0.1,
});
const nothing = { compute: 0, communicate: 0, wait: 0, load: 0, startup: 0, evaluate: 0, idle: 0, wasted: 0, other: 0 };
const ledgerLine = (worker: string, step: number, more: object = {}) => ({
  cause: 'interim',
  time: '2025-06-01T12:00:00.000Z',
  worker,
  rank: 0,
  step,
  samples: step * 8,
  run_seconds: step,
  alive_seconds: step,
  price_usd_per_hour: 3600,
  price_since: '2025-06-01T12:00:00.000Z',
  seconds: { ...nothing, compute: step },
  usd: { ...nothing, compute: step },
  cost_usd: step,
  ...more,
});

const oneLine = (step: number) => ledgerLine('w0', step);

/** The shares of every step; the one that goes over the end of its epoch is short. */
const auditOf = (steps: number) => [
  { type: 'audit', v: 1, run_id: 'run', pennygrad: '0.1.0', seed: 1, train: 50, batch_size: 16, dataset: 'digest' },
  ...Array.from({ length: steps }, (_, index) => ({
    type: 'step',
    step: index + 1,
    epoch: Math.floor(index / 4) + 1,
    shares: [['w0', (index % 4) * 16, Math.min(50, (index % 4) * 16 + 16)]],
  })),
];

interface Run {
  readonly metrics?: readonly object[];
  readonly ledger?: readonly object[];
  readonly checkpoints?: readonly number[];
  readonly audit?: readonly object[];
}

/** The ledger and the audit have the last checkpoint, unless others are given. */
function runFolder({
  metrics = [],
  checkpoints = [],
  ledger = checkpoints.slice(-1).map(oneLine),
  audit = auditOf(checkpoints.at(-1) ?? 0),
}: Run): string {
  const folder = temporaryFolder();
  const text = (lines: readonly object[]) => lines.map((line) => `${JSON.stringify(line)}\n`).join('');
  writeFileSync(join(folder, 'metrics.jsonl'), text(metrics));
  writeFileSync(join(folder, 'ledger.jsonl'), text(ledger));
  writeFileSync(join(folder, 'samples.audit'), text(audit));
  for (const step of checkpoints) {
    const checkpoint = join(folder, 'checkpoints', `step-${step}`);
    mkdirSync(checkpoint, { recursive: true });
    const files = encodeCheckpoint(
      {
        step,
        epoch: Math.floor((step - 1) / 4),
        // The last step of an epoch is short.
        cursor: step % 4 === 0 ? 50 : (step % 4) * 16,
        state: { parameters: Float32Array.of(step, -step), optimizer: { iterations: step, slots: [] } },
        artifacts: { topology: {}, weightSpecs: [{ name: 'w', shape: [2], dtype: 'float32' }] },
      },
      spec,
    );
    const sums = Object.entries(files).map(([name, parts]) => {
      const content = Buffer.concat(parts);
      writeFileSync(join(checkpoint, name), content);
      return `${createHash('sha256').update(content).digest('hex')}  ${name}\n`;
    });
    writeFileSync(join(checkpoint, 'SHA256SUMS'), sums.join(''));
  }
  return folder;
}

/** What is left of `metrics.jsonl` in a run that goes on from its checkpoint. */
function keptAt(folder: string, step: number, knownGaps: readonly string[] = [], stepsBefore = 0): string {
  return readRecord(folder, resumed(), { step, savedStep: step, stepsBefore, knownGaps })?.keptMetrics ?? '';
}

const linesOf = (text: string): readonly object[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

const steps = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => stepLine(from + i));

describe('a run that ended', () => {
  test('in the middle of an epoch, with its last step saved, loses nothing', () => {
    const metrics = [...steps(1, 4), epochLine(1), ...steps(5, 6)];
    const { start, record, notes } = readResumption(runFolder({ metrics, checkpoints: [4, 6] }), resumed());
    expect(start).toMatchObject({ step: 6, stepsBefore: 6, state: { optimizer: { iterations: 6, slots: [] } } });
    expect([...(start.state?.parameters ?? [])]).toEqual([6, -6]);
    expect(start.epoch).toEqual({ epoch: 1, samples: 32, lossSum: 16, correct: 16, seconds: 0.5 });
    expect(record).toMatchObject({
      steps: 6,
      samples: 82,
      trainSeconds: 1.5,
      epochs: [{ epoch: 0, testAccuracy: 0.6 }],
    });
    expect(notes).toEqual([]);
  });

  test('because its coordinator was killed, begins after the checkpoint, and keeps each step once', () => {
    const metrics = [...steps(1, 4), epochLine(1), ...steps(5, 8), epochLine(2)];
    const ledger = [ledgerLine('w0', 4), ledgerLine('w1', 4), ledgerLine('w0', 11), ledgerLine('w1', 10)];
    const folder = runFolder({ metrics, ledger, checkpoints: [4] });
    writeFileSync(join(folder, 'ledger.jsonl'), `${readFileSync(join(folder, 'ledger.jsonl'), 'utf8')}{"cause":"inte`);
    writeFileSync(join(folder, 'metrics.jsonl'), `${readFileSync(join(folder, 'metrics.jsonl'), 'utf8')}{"type":"st`);
    const { start, accounts, record, notes } = readResumption(folder, resumed());
    expect(start).toMatchObject({ step: 4, stepsBefore: 11, epoch: undefined });
    expect(record).toMatchObject({ steps: 4, samples: 50, openEpoch: undefined });
    const kept = keptAt(folder, 4).trim().split('\n');
    expect(kept.map((line) => JSON.parse(line))).toEqual([
      ...[...steps(1, 4), epochLine(1)],
      { type: 'resume', step: 4, lost_steps: 7 },
    ]);
    expect(notes.join()).toMatch(/7 steps after the checkpoint are lost/);
    // Time and money are spent; samples are trained only where they are saved.
    expect(accounts).toMatchObject({ runSeconds: 11, step: 4 });
    expect(accounts.entries.map(({ workerId, samples, account }) => [workerId, samples, account.usd.compute])).toEqual([
      ['w0', 32, 11],
      ['w1', 32, 10],
    ]);
    // What was cut off is gone from the file, so that more can be appended.
    expect(readFileSync(join(folder, 'ledger.jsonl'), 'utf8').trim().split('\n')).toHaveLength(4);
  });

  test('pays on what it was billed, and by what it cost where its ledger has no bills', () => {
    const ledger = [ledgerLine('w0', 2, { billed_usd: 60, rentals: 2 }), ledgerLine('w1', 2)];
    const { accounts } = readResumption(runFolder({ metrics: steps(1, 2), ledger, checkpoints: [2] }), resumed());
    expect(accounts.entries.map(({ account }) => account)).toMatchObject([
      { rentals: 2, endedBilledUsd: 60 },
      { rentals: 1, endedBilledUsd: 2 },
    ]);
  });

  test.each([
    ['none, where the last was applied', [2, 3, 5], 0],
    ['all of the last ones', [1, 3, 5, 6], 2],
    ['from the beginning', [1, 2, 3, 4, 5, 6], 6],
    ['not those that were lost', [6, 7, 8], 1],
  ])('knows how many of its last steps were skipped in a row: %s', (_, skipped, inRow) => {
    const metrics = steps(1, 8).map((line) => (skipped.includes(line.step) ? { ...line, skipped: true } : line));
    const folder = runFolder({ metrics, checkpoints: [6] });
    expect(readResumption(folder, resumed()).start.skippedInRow).toBe(inRow);
    const position = { step: 6, savedStep: 6, stepsBefore: 8, knownGaps: [] };
    expect(readRecord(folder, resumed(), position)?.skippedInRow).toBe(inRow);
  });

  test('before its first accounts has cost nothing', () => {
    expect(readResumption(runFolder({}), resumed()).accounts).toEqual({ entries: [], runSeconds: 0, step: 0 });
  });

  test('before anything was saved starts over, and pays on', () => {
    const folder = runFolder({ metrics: steps(1, 3), ledger: [ledgerLine('w0', 3)] });
    const { start, accounts, notes } = readResumption(folder, resumed());
    expect(start).toEqual({
      step: 0,
      generation: 0,
      stepsBefore: 3,
      skippedInRow: 0,
      state: undefined,
      epoch: undefined,
    });
    expect(accounts.entries[0]?.account.usd.compute).toBe(3);
    expect(notes.join()).toMatch(/no checkpoint was saved: training starts over/);
  });

  test('by --steps in the middle of an epoch goes on with that epoch, as if it had not been tested', () => {
    const metrics = [...steps(1, 2), { ...epochLine(1), samples: 32 }];
    const folder = runFolder({ metrics, checkpoints: [2] });
    expect(readResumption(folder, resumed({ steps: 9 })).start.epoch).toMatchObject({ epoch: 0, samples: 32 });
    expect(() => readResumption(folder, resumed({ steps: 2 }))).toThrow(/trained 2 steps, which --steps 2 allows/);
  });

  test('with all epochs has nothing left to do, unless there are more, or the last is not tested', () => {
    const whole = [...steps(1, 4), epochLine(1), ...steps(5, 8), epochLine(2)];
    const folder = runFolder({ metrics: whole, checkpoints: [8] });
    expect(() => readResumption(folder, resumed({ epochs: 2 }))).toThrow(/trained all of its 2 epochs; --epochs N/);
    expect(readResumption(folder, resumed()).start).toMatchObject({ step: 8, epoch: undefined });
    const untested = runFolder({ metrics: whole.slice(0, -1), checkpoints: [8] });
    expect(readResumption(untested, resumed({ epochs: 2 })).start.epoch).toMatchObject({ epoch: 1, samples: 50 });
    expect(() => readResumption(folder, resumed({ targetAccuracy: 0.55 }))).toThrow(
      /reached --target-accuracy 0\.55 after epoch 1; a higher one goes on/,
    );
  });

  test('has the cost of the epoch it is in, unless an older version trained some of it', () => {
    const priced = steps(1, 4).map((line) => ({ ...line, cost_usd: 0.5 }));
    const [first, second] = steps(5, 6);
    const epochUsd = (...metrics: readonly object[]) =>
      readResumption(runFolder({ metrics, checkpoints: [6] }), resumed()).start.epoch?.usd;
    const before = [...priced, { ...epochLine(1), cost_usd: 2 }];
    expect(epochUsd(...before, { ...first, cost_usd: 0.5 }, { ...second, cost_usd: 0.25 })).toBe(0.75);
    expect(epochUsd(...before, { ...first }, { ...second, cost_usd: 0.25 })).toBeUndefined();
    const folder = runFolder({ metrics: [...before, ...steps(5, 6)], checkpoints: [6] });
    expect(readResumption(folder, resumed()).record.epochs).toMatchObject([{ epoch: 0, usd: 2 }]);
  });

  test('knows who trained, lost steps or not', () => {
    const fleet = (step: number, price_usd_per_hour: number) => ({
      type: 'fleet',
      step,
      workers: [{ worker_id: 'w0', backend: 'wasm', device: 'SIMD', price_usd_per_hour }],
    });
    const metrics = [fleet(0, 1), ...steps(1, 4), epochLine(1), fleet(4, 2), ...steps(5, 6)];
    expect(readResumption(runFolder({ metrics, checkpoints: [4] }), resumed()).record.fleets).toMatchObject([
      { step: 0, members: [{ workerId: 'w0', backend: 'wasm', priceUsdPerHour: 1 }] },
      { step: 4, members: [{ priceUsdPerHour: 2 }] },
    ]);
  });

  test('remembers its interruptions, lost steps or not', () => {
    const lines = [3, 7].map((step) => ({
      type: 'interruption',
      step,
      worker_id: 'w1',
      reason: 'killed',
      recovery_seconds: step === 3 ? 0.5 : undefined,
      wasted_seconds: 2,
      wasted_usd: 0.25,
      lost_steps: 0,
    }));
    const { record, wholeMetrics } = readResumption(runFolder({ metrics: lines, checkpoints: [4] }), resumed());
    const one = { workerId: 'w1', reason: 'killed', wastedSeconds: 2, wastedUsd: 0.25, lostSteps: 0 };
    expect(record.interruptions).toEqual([
      { ...one, step: 3, recoverySeconds: 0.5 },
      { ...one, step: 7, recoverySeconds: undefined },
    ]);
    expect(wholeMetrics.match(/"type":"interruption"/g)).toHaveLength(2);
  });

  describe('because one coordinator after another was killed', () => {
    const time = (second: number) => new Date(Date.UTC(2025, 5, 1, 12, 0, second)).toISOString();
    const booked = (worker: string, step: number, second: number, idle: number, wasted: number) =>
      ledgerLine(worker, step, {
        time: time(second),
        seconds: { ...nothing, idle, wasted },
        usd: { ...nothing, idle: 2 * idle, wasted: 2 * wasted },
      });
    const cutOff = (step: number, second: number) => ({ type: 'cut-off', step, time: time(second) });
    const lossOf = (step: number) => ({
      type: 'interruption',
      step,
      worker_id: 'coordinator',
      reason: 'coordinator',
      recovery_seconds: 3,
      wasted_seconds: 2,
      wasted_usd: 0.25,
      lost_steps: 0,
    });
    const cutOffsOf = (metrics: readonly object[], ledger: readonly object[]) => {
      const { cutOffs, wholeMetrics } = readResumption(runFolder({ metrics, ledger, checkpoints: [2] }), resumed());
      return { cutOffs, wholeMetrics };
    };
    const [first, second] = [booked('w0', 6, 10, 1, 0), booked('w0', 4, 30, 1, 7)];

    test('remembers each from which it has not recovered, and says of its own loss', () => {
      const metrics = [...steps(1, 6), cutOff(6, 10), { type: 'resume', step: 2 }, ...steps(3, 4)];
      const { cutOffs, wholeMetrics } = cutOffsOf(metrics, [first, booked('w1', 6, 10, 3, 0), second]);
      expect(cutOffs).toEqual([
        { atUnixMs: Date.parse(time(10)), steps: 6, lostSteps: 4, wasted: { seconds: 7, usd: 14 } },
        { atUnixMs: Date.parse(time(30)), steps: 4, lostSteps: undefined, wasted: { seconds: 0, usd: 0 } },
      ]);
      // The next coordinator reads the same of both.
      expect(cutOffsOf(linesOf(wholeMetrics), [first, second]).cutOffs.map(({ steps }) => steps)).toEqual([6, 4, 4]);
    });

    test('loses steps once, though the first successor came to nothing', () => {
      const { cutOffs } = cutOffsOf([...steps(1, 6), cutOff(6, 10)], [first]);
      expect(cutOffs).toMatchObject([
        { steps: 6, lostSteps: 0 },
        { steps: 6, lostSteps: undefined },
      ]);
    });

    test('forgets those from which it has', () => {
      const metrics = [...steps(1, 6), cutOff(6, 10), { type: 'resume', step: 6 }, ...steps(7, 8), lossOf(6)];
      expect(cutOffsOf(metrics, [first, second]).cutOffs).toMatchObject([{ steps: 8 }]);
      const twice = [...steps(1, 6), cutOff(6, 10), cutOff(6, 20), lossOf(6), ...steps(7, 8)];
      expect(cutOffsOf(twice, [first, second]).cutOffs).toMatchObject([
        { atUnixMs: Date.parse(time(20)) },
        { steps: 8 },
      ]);
    });

    test('keeps them when its metrics are cut to where it goes on', () => {
      const folder = runFolder({ metrics: [...steps(1, 6), cutOff(6, 10)], ledger: [first], checkpoints: [2] });
      expect(linesOf(keptAt(folder, 2))).toContainEqual(cutOff(6, 10));
    });

    test('is not cut off where its accounts are closed', () => {
      expect(cutOffsOf(steps(1, 6), [{ ...first, cause: 'end' }]).cutOffs).toEqual([]);
      expect(cutOffsOf(steps(1, 6), [{ ...first, cause: 'end' }]).wholeMetrics).not.toContain('cut-off');
    });
  });

  test('tells when epochs were done, by the last time they were', () => {
    const moment = (worker: string, epoch: number, run_seconds: number, cost_usd: number) =>
      ledgerLine(worker, epoch * 4, { cause: 'epoch', epoch, run_seconds, cost_usd });
    const ledger = [
      ...[moment('w0', 1, 10, 1), moment('w1', 1, 10, 2), moment('w0', 2, 20, 3), moment('w1', 2, 20, 4)],
      ...[moment('w0', 2, 35, 6), moment('w1', 2, 35, 7)],
    ];
    const metrics = [...steps(1, 4), epochLine(1), ...steps(5, 8), epochLine(2)];
    expect(readResumption(runFolder({ metrics, ledger, checkpoints: [8] }), resumed()).record.milestones).toEqual([
      { epoch: 0, runSeconds: 10, costUsd: 3 },
      { epoch: 1, runSeconds: 35, costUsd: 13 },
    ]);
  });
});

describe('a run that is damaged', () => {
  const metrics = [...steps(1, 4), epochLine(1), ...steps(5, 6)];

  test('in its last checkpoint goes on from the one before, and says so', () => {
    const folder = runFolder({ metrics, checkpoints: [4, 6] });
    rmSync(join(folder, 'checkpoints', 'step-6', 'weights.bin'));
    const { start, notes } = readResumption(folder, resumed());
    expect(start).toMatchObject({ step: 4, stepsBefore: 6 });
    expect(notes[0]).toMatch(/damaged checkpoint: .*step-6\/weights\.bin: .*; going on from step-4/);
  });

  test.each([
    [
      'in all of its checkpoints',
      (folder: string) => rmSync(join(folder, 'checkpoints/step-6/weights.bin')),
      /no checkpoint is whole: .*weights\.bin.*; remove .*checkpoints to start over/,
    ],
    [
      'in that its ledger is gone',
      (folder: string) => rmSync(join(folder, 'ledger.jsonl')),
      /ledger\.jsonl is missing: what the run has cost is not known, and budgets would begin afresh; put it back/,
    ],
    [
      'in that nothing is left of its ledger',
      (folder: string) => writeFileSync(join(folder, 'ledger.jsonl'), ''),
      /ledger\.jsonl has no whole line: what the run has cost is not known/,
    ],
    [
      'in all lines of its ledger',
      (folder: string) =>
        writeFileSync(join(folder, 'ledger.jsonl'), `${JSON.stringify(ledgerLine('w0', 4, { cost_usd: -1 }))}\n`),
      /ledger\.jsonl has no whole line: /,
    ],
  ] as const)('%s says where', (_, damage, message) => {
    const folder = runFolder({ metrics, checkpoints: [6] });
    damage(folder);
    expect(() => readResumption(folder, resumed())).toThrow(message);
  });

  /** A run after six of its steps, with another content of its metrics. */
  const withMetrics = (content: string) => {
    const folder = runFolder({ metrics, checkpoints: [6] });
    writeFileSync(join(folder, 'metrics.jsonl'), content);
    const resumption = readResumption(folder, resumed());
    return { ...resumption, keptMetrics: keptAt(folder, 6, resumption.record.gaps) };
  };
  const textOf = (lines: readonly object[]) => lines.map((line) => `${JSON.stringify(line)}\n`).join('');

  test.each([
    ['gone', '', ['lacks steps, .*: 1 to 6', 'lacks the results of epochs: 1'], [0, 0, undefined]],
    ['short', textOf(steps(1, 3)), ['lacks steps, .*: 4 to 6', 'lacks .* epochs: 1'], [48, 0, undefined]],
    [
      'without a line in its middle',
      textOf([...steps(1, 2), ...steps(4, 4), epochLine(1), ...steps(5, 6)]),
      ['lacks steps, .*: 3$'],
      [66, 1, 32],
    ],
    [
      'damaged in some lines',
      textOf(metrics)
        .replaceAll('"step":2,', '"step":-2,')
        .replace('"step":5', '\0\0step":5')
        .replace('{"type":"epoch"', '\0'),
      ['had damaged lines, .*: 2 and 5 to 6$', 'lacks steps, .*: 2 and 5$', 'lacks the results of epochs: 1'],
      [50, 0, 16],
    ],
    ['given twice', textOf([...metrics, ...steps(5, 6)]), [], [82, 1, 32]],
  ] as const)('in that its metrics are %s goes on, and says what is missing', (_, content, missing, figures) => {
    const { start, record, samplesBefore, keptMetrics, notes } = withMetrics(content);
    expect(start).toMatchObject({ step: 6, stepsBefore: 6, state: { optimizer: { iterations: 6 } } });
    expect([record.samples, record.epochs.length, record.openEpoch?.samples]).toEqual(figures);
    // Where the run is does not depend on what was recorded.
    expect([record.steps, samplesBefore]).toEqual([6, 82]);
    expect(record.gaps).toEqual(missing.map((text) => expect.stringMatching(text)));
    expect(notes).toEqual(record.gaps);
    const kept = keptMetrics
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(kept.at(-1)).toEqual({
      type: 'resume',
      step: 6,
      lost_steps: 0,
      ...(missing.length > 0 && { gaps: record.gaps }),
    });
    const trained = kept.filter(({ type }) => type === 'step').map(({ step }) => step);
    expect(new Set(trained).size).toBe(trained.length);
  });

  test('in its metrics remembers what was missing, and says it once', () => {
    const first = withMetrics(textOf(steps(1, 3)));
    const again = withMetrics(first.keptMetrics);
    expect(again.record.gaps).toEqual(first.record.gaps);
    expect(again.notes).toEqual([]);
    // A resumption that is lost with its steps has said it too.
    const marker = { type: 'resume', step: 9, lost_steps: 0, gaps: ['the ledger had a hole'] };
    expect(withMetrics(textOf([...metrics, marker])).record.gaps).toEqual(['the ledger had a hole']);
  });

  test.each([
    ['is missing', undefined, 'lacks steps 1 to 6'],
    ['has no line', '', 'lacks steps 1 to 6'],
    ['was cut off', textOf(auditOf(5)), 'lacks steps 6'],
    ['was cut in its last line', `${textOf(auditOf(5))}{"type":"st`, 'lacks steps 6'],
    [
      'lost a line in its middle',
      textOf(auditOf(6).filter((line) => !('step' in line) || line.step !== 3)),
      'lacks steps 3',
    ],
    ['is damaged', textOf(auditOf(6)).replace('"step":3', '\0'), /^is damaged in line 4 \(.*\)$/],
    ['has what was lost since', textOf([...auditOf(8), { type: 'resume', step: 6 }]), undefined],
  ])('whose samples.audit %s goes on, and says what can not be proved', (_, content, lack) => {
    const folder = runFolder({ metrics, checkpoints: [6] });
    const file = join(folder, 'samples.audit');
    if (content === undefined) rmSync(file);
    else writeFileSync(file, content);
    const { record, notes, start } = readResumption(folder, resumed());
    expect(start.step).toBe(6);
    expect(notes.slice(0, record.gaps.length)).toEqual(record.gaps);
    const [told] = record.gaps;
    const words = told?.match(/^samples\.audit (.*); pennygrad audit can't prove /)?.[1];
    if (lack === undefined) expect(told).toBeUndefined();
    else expect(words).toMatch(lack);
  });

  test.each([
    ['gone', ''],
    ['short', textOf(steps(1, 3))],
    ['damaged in its last lines', `${textOf(metrics)}\0\0\n`],
  ])('in that its metrics are %s knows from samples.audit which steps are lost', (_, content) => {
    const folder = runFolder({ ledger: [oneLine(7)], checkpoints: [6], audit: auditOf(9) });
    writeFileSync(join(folder, 'metrics.jsonl'), content);
    const { start, notes } = readResumption(folder, resumed());
    expect(start).toMatchObject({ step: 6, stepsBefore: 9 });
    expect(notes.at(-1)).toMatch(/^3 steps after the checkpoint are lost/);
    const kept = keptAt(folder, 6, [], start.stepsBefore).trimEnd().split('\n');
    expect(JSON.parse(kept.at(-1) ?? '')).toMatchObject({ type: 'resume', lost_steps: 3 });
  });

  test('in the result of the epoch that it has just trained tests that again', () => {
    const folder = runFolder({ metrics: steps(1, 4), checkpoints: [4] });
    const { start, record } = readResumption(folder, resumed());
    expect(start).toMatchObject({ step: 4, epoch: { epoch: 0, samples: 50 } });
    expect(record.gaps).toEqual([]);
  });

  test.each([
    ['an early line', 1, /damaged lines, .*: 1; the bill is complete up to the last whole line/, [4, 6], 10],
    ['the last line', 3, /damaged lines, .*: 3; the bill lacks the last 1\.0 s of w1/, [4, 5], 9],
  ])('in %s of its ledger goes on with the others', (_, line, gap, costs, milestone) => {
    const at = (worker: string, seconds: number, cost_usd: number, more: object = {}) =>
      ledgerLine(worker, 6, { run_seconds: seconds, cost_usd, usd: { ...nothing, compute: cost_usd }, ...more });
    const tested = { cause: 'epoch', epoch: 1 };
    const lines = [at('w0', 5, 3), at('w1', 5, 5), at('w1', 6, 6, tested), at('w0', 6, 4, tested)];
    const folder = runFolder({ metrics, ledger: lines, checkpoints: [6] });
    const whole = lines.map((entry) => JSON.stringify(entry));
    const damaged = whole.map((text, index) => (index === line - 1 ? text.slice(0, 40) : text));
    writeFileSync(join(folder, 'ledger.jsonl'), `${damaged.join('\n')}\n{"cause":"in`);
    const { accounts, record, notes } = readResumption(folder, resumed());
    expect(notes).toEqual([expect.stringMatching(gap)]);
    expect(record.gaps).toEqual(notes);
    const byWorker = new Map(accounts.entries.map(({ workerId, account }) => [workerId, account.usd.compute]));
    expect([byWorker.get('w0'), byWorker.get('w1')]).toEqual(costs);
    expect(record.milestones).toEqual([{ epoch: 0, runSeconds: 6, costUsd: milestone }]);
    // More can be appended, and what is whole is untouched.
    expect(readFileSync(join(folder, 'ledger.jsonl'), 'utf8')).toBe(
      whole
        .filter((_, index) => index !== line - 1)
        .map((text) => `${text}\n`)
        .join(''),
    );
  });

  test('in its whole ledger keeps what there is of it for those who can read it', () => {
    const folder = runFolder({ metrics, checkpoints: [6] });
    writeFileSync(join(folder, 'ledger.jsonl'), 'not\njson\n');
    expect(() => readResumption(folder, resumed())).toThrow(/has no whole line/);
    expect(readFileSync(join(folder, 'ledger.jsonl'), 'utf8')).toBe('not\njson\n');
  });

  test('in that its checkpoint is of another training is named by the field', () => {
    const folder = runFolder({ metrics, checkpoints: [6] });
    expect(() => readResumption(folder, { ...resumed(), spec: { ...spec, seed: 2 } })).toThrow(
      /config\.json has seed 2, its checkpoint 1/,
    );
    const compressed = { ...spec, optimizer: { ...spec.optimizer, compression: 'int8' } };
    expect(() => readResumption(folder, { ...resumed(), spec: compressed })).toThrow(
      /config\.json has compression int8, its checkpoint none/,
    );
  });

  test('in that its steps had another length is said, since other samples would follow', () => {
    const folder = runFolder({ metrics, checkpoints: [6] });
    for (const changes of [{ batchSize: 8 }, { batchSize: 16, localSteps: 2 }]) {
      expect(() => readResumption(folder, resumed(changes))).toThrow(
        /: step 6 ends after \d+ samples of epoch \d with the batch-size and local-steps of its config\.json, and after 32 samples of epoch 2 by its checkpoint; one of them was changed$/,
      );
    }
  });
});

describe('the record of a run', () => {
  const fleet = (step: number, generation: number) => ({ type: 'fleet', step, generation, workers: [] });
  const back = (step: number) => ({ type: 'resume', step });
  const trained = (line: object, worker_samples: object) => ({ ...line, worker_samples });
  const recordAt = (step: number, savedStep: number, metrics: readonly object[]) =>
    readRecord(runFolder({ metrics }), resumed(), { step, savedStep, stepsBefore: 0, knownGaps: [] });

  test('says of each step which generation committed it, also where it was lost and trained again', () => {
    const metrics = [fleet(0, 1), ...steps(1, 6), fleet(6, 2), back(4), ...steps(5, 7)];
    const generations = [1, 4, 5, 7].map((step) => recordAt(step, 0, metrics)?.generation);
    expect(generations).toEqual([1, 1, 2, 2]);
    // Older versions did not number them.
    expect(recordAt(2, 0, steps(1, 2))?.generation).toBe(0);
  });

  test('has nothing at a step that was struck out, or that comes after one that is missing', () => {
    expect(recordAt(6, 4, [...steps(1, 6), back(5)])).toBeUndefined();
    expect(recordAt(5, 4, [...steps(1, 6), back(5)])).toMatchObject({ step: 5 });
    expect(recordAt(6, 4, [...steps(1, 4), stepLine(6)])).toBeUndefined();
    // What the checkpoint has needs no record.
    expect(recordAt(6, 4, [...steps(1, 2), ...steps(4, 6)])).toMatchObject({ step: 6, samples: 66 });
  });

  test('leaves out the test of the epoch that ends there, unless a checkpoint has it', () => {
    const metrics = [...steps(1, 4), epochLine(1), ...steps(5, 8), epochLine(2)];
    expect(recordAt(8, 4, metrics)).toMatchObject({ epochs: [{ epoch: 0 }], openEpoch: { epoch: 1, samples: 50 } });
    expect(recordAt(8, 8, metrics)).toMatchObject({ epochs: [{ epoch: 0 }, { epoch: 1 }], openEpoch: undefined });
    // A test of steps that were lost.
    expect(recordAt(8, 4, [...metrics, back(6), ...steps(7, 8)])?.epochs).toMatchObject([{ epoch: 0 }]);
  });

  test('keeps skipped steps what they are: counted, and in no mean', () => {
    const skipped = (step: number) => ({ ...stepLine(step), loss: null, accuracy: 0, skipped: true });
    const metrics = [skipped(1), ...steps(2, 4), epochLine(1), stepLine(5), skipped(6), stepLine(7)];
    expect(recordAt(7, 0, metrics)).toMatchObject({
      samples: 98,
      skippedSteps: 2,
      openEpoch: { samples: 48, skippedSamples: 16, lossSum: 16, correct: 16 },
    });
    expect(recordAt(5, 0, metrics)).toMatchObject({ skippedSteps: 1, openEpoch: { lossSum: 8, correct: 8 } });
    expect(recordAt(5, 0, metrics)?.openEpoch?.skippedSamples).toBeUndefined();
  });

  test('adds up who trained what, as far as all steps tell it', () => {
    const [first, ...more] = steps(1, 4);
    const metrics = [
      trained(first ?? {}, { w0: 10, w1: 6 }),
      ...more.slice(0, 2),
      trained(stepLine(4), { w0: 2, w1: 0 }),
    ];
    expect(recordAt(3, 0, metrics)?.samplesByWorker).toEqual(
      new Map([
        ['w0', 30],
        ['w1', 18],
      ]),
    );
    expect(recordAt(4, 0, metrics)?.samplesByWorker).toEqual(
      new Map([
        ['w0', 32],
        ['w1', 18],
      ]),
    );
    expect(recordAt(4, 0, steps(1, 4))?.samplesByWorker).toBeUndefined();
  });

  test('lets a fleet that has trained nothing yet begin with the next step', () => {
    const kept =
      recordAt(6, 4, [fleet(0, 1), ...steps(1, 4), epochLine(1), ...steps(5, 6), fleet(4, 2)])
        ?.keptMetrics.trim()
        .split('\n') ?? [];
    expect(kept.slice(-2).map((line) => JSON.parse(line))).toEqual([fleet(6, 2), { ...back(6), lost_steps: 0 }]);
  });
});
