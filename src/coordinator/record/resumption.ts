/** Opens a run that ended early: its last checkpoint, and what it had done and cost until then. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Milestone } from '../../economics/record/run-record.ts';
import { type AuditedSteps, readAuditedSteps } from '../../run-folder/audit/audited-steps.ts';
import { listCheckpoints } from '../../run-folder/checkpoints.ts';
import type { LedgerLine } from '../../run-folder/ledger-line.ts';
import type { TrainingConfig } from '../../settings/training-settings.ts';
import { badInput, messageOf } from '../../shared/core/errors.ts';
import { countOf } from '../../shared/core/number-format.ts';
import { samplesOfSteps, samplesPerStep, stepsPerEpoch } from '../../shared/core/sampling.ts';
import { writeFileAtomically } from '../../shared/files/atomic-files.ts';
import { readBoundedFile, readBoundedText } from '../../shared/files/bounded-file.ts';
import { fileLimits } from '../../shared/files/file-limits.ts';
import { decodeCheckpoint, type SavedCheckpoint } from '../../shared/model/checkpoint-files.ts';
import { describeUpdates, type TrainedSpec } from '../../shared/model/model-spec.ts';
import type { CutOff, RecordedRun } from '../run-events.ts';
import { type Position, positionAfter } from '../training/checkpoint.ts';
import type { StartingPoint } from '../training/train.ts';
import type { CarriedAccounts } from './bookkeeper.ts';
import type { FoundCheckpoints } from './checkpoint-writer.ts';
import { grownBy, nothingWasted, wasteOf } from './interruptions.ts';
import { entryOf, type Ledger, readLedger } from './ledger-file.ts';
import { cutOffLine, type MetricsHistory, type RecordedCutOff, readMetrics } from './metrics-log.ts';
import type { CarriedRecord } from './run-recorder.ts';

export interface Resumption {
  readonly start: StartingPoint;
  /** Generations that the run has had. */
  readonly generations: number;
  readonly accounts: CarriedAccounts;
  readonly record: Omit<CarriedRecord, 'startedAtUnixMs'>;
  /** Samples of all committed steps, recorded or not. */
  readonly samplesBefore: number;
  /** The new content of `metrics.jsonl`: its whole lines. Which steps stay is decided when it is known what workers have. */
  readonly wholeMetrics: string;
  /** When the accounts were last drawn up; undefined where they never were. */
  readonly bookedUntilUnixMs: number | undefined;
  /** Coordinators that were lost while the run trained, and from which it has not recovered: in order. */
  readonly cutOffs: readonly (Omit<CutOff, 'at'> & { readonly atUnixMs: number })[];
  readonly checkpoints: FoundCheckpoints;
  /** For the user: damaged checkpoints, gaps in the record, lost steps. */
  readonly notes: readonly string[];
}

/** What a run that is resumed was told. */
export interface ResumedTraining {
  readonly spec: TrainedSpec;
  readonly training: TrainingConfig;
  readonly trainCount: number;
}

/** What a run's folder holds. */
export interface RunFiles {
  /** The newest checkpoint that is whole; undefined where no step was saved. */
  readonly saved: SavedCheckpoint | undefined;
  /** What was found damaged, in words. */
  readonly damages: readonly string[];
  readonly checkpoints: FoundCheckpoints;
  /** The content of `metrics.jsonl`. */
  readonly metrics: string;
  /** Asked once it is known that there is work left. @param step of the checkpoint */
  readonly readLedger: (step: number) => Pick<Ledger, 'lines' | 'gaps'>;
  /** What `samples.audit` has, and what it lacks of so many steps. */
  readonly readAudit: (step: number) => AuditedSteps;
}

/** @throws bad-input when there is nothing to resume from, or nothing left to do */
export function readResumption(folder: string, told: ResumedTraining): Resumption {
  return resumeFrom(folder, told, {
    ...findCheckpoint(join(folder, 'checkpoints')),
    metrics: readText(join(folder, 'metrics.jsonl')),
    readLedger: (step) => requireLedger(join(folder, 'ledger.jsonl'), step),
    readAudit: (step) => readAuditedSteps(folder, step),
  });
}

/**
 * What the files come to.
 * @param folder for messages
 * @throws bad-input when the checkpoint is another run's, or nothing is left to do
 */
export function resumeFrom(
  folder: string,
  { spec, training, trainCount }: ResumedTraining,
  { saved, damages, checkpoints, metrics, readLedger: ledgerAt, readAudit }: RunFiles,
): Resumption {
  if (saved !== undefined) {
    requireSameTraining(folder, saved.trained, spec);
    requireSamePosition(folder, saved.checkpoint, training, trainCount);
  }
  const step = saved?.checkpoint.step ?? 0;
  const perEpoch = stepsPerEpoch(trainCount, samplesPerStep(training));
  const history = readMetrics(metrics, { step, perEpoch });
  requireWorkLeft(folder, history, step, perEpoch, training);
  const { lines: ledger, gaps: ledgerGaps } = ledgerAt(step);
  const audit = readAudit(step);
  const auditGaps = audit.gap === undefined ? [] : [audit.gap];
  const lastLine = ledger.at(-1);
  const stepsBefore = highestStep(history, ledger, Math.max(step, audit.highestStep));
  const lost = stepsBefore - step;
  const { openEpoch, samples, trainSeconds, skippedSteps, epochs, fleets, interruptions, earlierGaps, generation } =
    history;
  const { skippedInRow } = history;
  // However a run ends, its coordinator closes the accounts.
  const wasCutOff = lastLine !== undefined && lastLine.cause !== 'end' && stepsBefore > 0;
  const cutOff = wasCutOff
    ? { time: lastLine.time, steps: Math.max(step, history.position, audit.lastStep), lostSteps: undefined }
    : undefined;
  const found = [...history.gaps, ...ledgerGaps, ...auditGaps].filter((gap) => !earlierGaps.includes(gap));
  const gaps = [...new Set([...earlierGaps, ...found])];
  return {
    start: { step, generation, stepsBefore, skippedInRow, epoch: openEpoch, state: saved?.checkpoint.state },
    generations: history.lastGeneration,
    accounts: carriedAccounts(ledger, step),
    samplesBefore: samplesOfSteps(step, samplesPerStep(training), trainCount),
    record: {
      steps: step,
      skippedSteps,
      samples,
      trainSeconds,
      epochs,
      milestones: milestonesOf(ledger),
      openEpoch,
      fleets,
      interruptions,
      gaps,
    },
    wholeMetrics: cutOff === undefined ? history.whole : history.whole + cutOffLine(cutOff),
    bookedUntilUnixMs: lastLine && Date.parse(lastLine.time),
    cutOffs: withWaste(cutOff === undefined ? history.cutOffs : [...history.cutOffs, cutOff], ledger),
    checkpoints,
    notes: [
      ...damages,
      ...found,
      ...(saved === undefined
        ? ['no checkpoint was saved: training starts over, unless a worker has kept its state']
        : []),
      ...(lost > 0
        ? [
            `${countOf(lost, 'step')} after the checkpoint ${lost === 1 ? 'is' : 'are'} lost, unless a worker has kept ` +
              `${lost === 1 ? 'it' : 'them'}; what is trained again, the ledger calls wasted`,
          ]
        : []),
    ],
  };
}

/** What was wasted after each, until the next. */
function withWaste(
  cutOffs: readonly (Omit<RecordedCutOff, 'lostSteps'> & Pick<CutOff, 'lostSteps'>)[],
  ledger: readonly LedgerLine[],
): Resumption['cutOffs'] {
  const moments = cutOffs.map(({ time }) => Date.parse(time));
  const wasteAt = (unixMs: number) =>
    wasteOf([
      ...new Map(ledger.filter(({ time }) => Date.parse(time) <= unixMs).map((line) => [line.worker, line])).values(),
    ]);
  return cutOffs.map(({ steps, lostSteps }, index) => {
    const [atUnixMs = 0, next] = moments.slice(index);
    const wasted = next === undefined ? nothingWasted : grownBy(wasteAt(atUnixMs), wasteAt(next));
    return { atUnixMs, steps, lostSteps, wasted };
  });
}

/** The highest step that was ever committed, lost or not. @param known a step that was committed */
function highestStep({ lastStep }: MetricsHistory, ledger: readonly LedgerLine[], known: number): number {
  return ledger.reduce((most, line) => Math.max(most, line.step), Math.max(lastStep, known));
}

/**
 * What a run had done up to a step that some worker still has, or that the last checkpoint has.
 * @returns undefined where a step after the checkpoint is missing
 */
export function readRecord(
  folder: string,
  told: Pick<ResumedTraining, 'training' | 'trainCount'>,
  position: RecordPosition,
): RecordedRun | undefined {
  return recordFrom(told, position, {
    metrics: readText(join(folder, 'metrics.jsonl')),
    readLedger: () => readLedger(join(folder, 'ledger.jsonl'))?.lines ?? [],
  });
}

export interface RecordPosition {
  readonly step: number;
  /** The last checkpoint's. An epoch that ended with a later step is tested again: what was to follow its test is not on record. */
  readonly savedStep: number;
  /** A worker has steps that follow it. So an epoch that ended with it was tested. */
  readonly isFollowed?: boolean | undefined;
  /** Steps that were committed before the resume, lost or not, as far as is known from other files than are read here. */
  readonly stepsBefore: number;
  /** What is missing of the run's files, in words. */
  readonly knownGaps: readonly string[];
}

/** The same, from what the files hold. */
export function recordFrom(
  { training, trainCount }: Pick<ResumedTraining, 'training' | 'trainCount'>,
  { step, savedStep, isFollowed = false, stepsBefore, knownGaps }: RecordPosition,
  { metrics, readLedger: ledgerLines }: { readonly metrics: string; readonly readLedger: () => readonly LedgerLine[] },
): RecordedRun | undefined {
  const perStep = samplesPerStep(training);
  const testedStep = step === savedStep || isFollowed ? step : step - 1;
  const history = readMetrics(metrics, { step, perEpoch: stepsPerEpoch(trainCount, perStep), testedStep });
  if (history.missing.some(([, to]) => to > savedStep)) return undefined;
  const { generation, samples, trainSeconds, skippedSteps, skippedInRow, epochs, openEpoch, samplesByWorker } = history;
  const ledger = ledgerLines();
  const gaps = [...new Set([...history.earlierGaps, ...history.gaps, ...knownGaps])];
  const lost = highestStep(history, ledger, Math.max(step, stepsBefore)) - step;
  const marker = { type: 'resume', step, lost_steps: lost, gaps: gaps.length === 0 ? undefined : gaps };
  return {
    step,
    generation,
    samplesBefore: samplesOfSteps(step, perStep, trainCount),
    samples,
    trainSeconds,
    skippedSteps,
    skippedInRow,
    epochs,
    milestones: milestonesOf(ledger).filter(({ epoch }) => epochs.some((tested) => tested.epoch === epoch)),
    openEpoch,
    samplesByWorker,
    keptMetrics: `${history.kept}${JSON.stringify(marker)}\n`,
  };
}

/** The newest checkpoint that is whole. @throws bad-input when there are checkpoints and none is */
function findCheckpoint(folder: string): {
  readonly saved: SavedCheckpoint | undefined;
  readonly damages: readonly string[];
  readonly checkpoints: FoundCheckpoints;
} {
  const damages: string[] = [];
  const damaged: string[] = [];
  for (const name of existsSync(folder) ? listCheckpoints(folder).toReversed() : []) {
    const path = join(folder, name);
    try {
      const saved = decodeCheckpoint(path, (file, maxBytes) => readBoundedFile(join(path, file), maxBytes));
      const notes = damages.map((damage) => `${damage}; going on from ${name}`);
      return { saved, damages: notes, checkpoints: { whole: name, damaged } };
    } catch (error) {
      damages.push(`damaged checkpoint: ${messageOf(error)}`);
      damaged.push(name);
    }
  }
  if (damages.length === 0) return { saved: undefined, damages, checkpoints: { whole: undefined, damaged } };
  throw badInput(`no checkpoint is whole: ${damages.join('; ')}; remove ${folder} to start over`);
}

/** With steps of another length the same number of them ends elsewhere: samples would be left out, or trained on again. */
function requireSamePosition(
  folder: string,
  { step, epoch, cursor }: Position,
  training: ResumedTraining['training'],
  trainCount: number,
): void {
  const due = positionAfter(step, samplesPerStep(training), trainCount);
  if (due.epoch === epoch && due.cursor === cursor) return;
  const describe = (position: Position) => `${position.cursor} samples of epoch ${position.epoch + 1}`;
  throw badInput(
    `${folder}: step ${step} ends after ${describe(due)} with the batch-size and local-steps of its config.json, ` +
      `and after ${describe({ step, epoch, cursor })} by its checkpoint; one of them was changed`,
  );
}

function requireSameTraining(folder: string, saved: TrainedSpec, { model, optimizer, seed }: TrainedSpec): void {
  const updates = describeUpdates(saved.optimizer);
  const fields = [
    ['model', model.name, saved.model.name],
    ['input shape', model.inputShape.join('×'), saved.model.inputShape.join('×')],
    ['optimizer', optimizer.name, saved.optimizer.name],
    ['learning rate', optimizer.learningRate, saved.optimizer.learningRate],
    ...describeUpdates(optimizer).map(([name, ours], i) => [name, ours, updates[i]?.[1]] as const),
    ['seed', seed, saved.seed],
  ] as const;
  const odd = fields.find(([, ours, theirs]) => ours !== theirs);
  if (odd === undefined) return;
  throw badInput(
    `${folder}: its config.json has ${odd[0]} ${odd[1]}, its checkpoint ${odd[2]}; one of them was changed`,
  );
}

function requireWorkLeft(
  folder: string,
  { epochs: tested, openEpoch }: MetricsHistory,
  step: number,
  perEpoch: number,
  { epochs, steps: maxSteps, targetAccuracy }: TrainingConfig,
): void {
  if (step >= (maxSteps ?? Number.POSITIVE_INFINITY)) {
    throw badInput(
      `${folder} has trained ${countOf(step, 'step')}, which --steps ${maxSteps} allows; --steps N goes on to N`,
    );
  }
  if (step >= epochs * perEpoch && (openEpoch === undefined || step > epochs * perEpoch)) {
    throw badInput(
      `${folder} has trained ${epochs === 1 ? 'its only epoch' : `all of its ${epochs} epochs`}; --epochs N goes on to N`,
    );
  }
  const reached = tested.find(({ testAccuracy }) => testAccuracy >= (targetAccuracy ?? Number.POSITIVE_INFINITY));
  if (reached === undefined) return;
  throw badInput(
    `${folder} reached --target-accuracy ${targetAccuracy} after epoch ${reached.epoch + 1}; a higher one goes on`,
  );
}

/**
 * Accounts are drawn up before the first step, so only a run without steps has none.
 * @throws bad-input when nothing is left of the file: the run would continue as if it had cost nothing
 */
function requireLedger(file: string, step: number): Ledger {
  const ledger = readLedger(file);
  const isLost = ledger?.lines.length === 0 && (step > 0 || ledger.gaps.length > 0);
  const lost = ledger === undefined ? 'is missing' : isLost ? 'has no whole line' : undefined;
  if (lost !== undefined) {
    throw badInput(
      `${file} ${lost}: what the run has cost is not known, and budgets would begin afresh; ` +
        'put it back to go on, or start another run',
    );
  }
  // More will be appended.
  if (ledger?.repaired !== undefined) writeFileAtomically(file, ledger.repaired);
  return ledger ?? { lines: [], gaps: [], repaired: undefined };
}

function carriedAccounts(ledger: readonly LedgerLine[], step: number): CarriedAccounts {
  const last = new Map(ledger.map((line) => [line.worker, line]));
  // The samples of lost steps do not count; their time and money do.
  const saved = new Map(ledger.filter((line) => line.step <= step).map((line) => [line.worker, line.samples]));
  return {
    entries: [...last.values()].map((line) => ({ ...entryOf(line), samples: saved.get(line.worker) ?? 0 })),
    runSeconds: ledger.reduce((most, line) => Math.max(most, line.run_seconds), 0),
    step,
  };
}

/**
 * The last test pass of an epoch counts: an earlier one was lost and repeated. A worker that has no line of that moment has
 * the costs of its line before.
 */
function milestonesOf(ledger: readonly LedgerLine[]): readonly Milestone[] {
  const byEpoch = new Map<number, Omit<Milestone, 'epoch'>>();
  const costs = new Map<string, number>();
  for (const { cause, epoch, run_seconds: runSeconds, worker, cost_usd } of ledger) {
    costs.set(worker, cost_usd);
    if (cause !== 'epoch' || epoch === undefined) continue;
    byEpoch.set(epoch - 1, { runSeconds, costUsd: [...costs.values()].reduce((sum, cost) => sum + cost, 0) });
  }
  return [...byEpoch].map(([epoch, moment]) => ({ epoch, ...moment }));
}

function readText(file: string): string {
  return existsSync(file) ? readBoundedText(file, fileLimits.log) : '';
}
