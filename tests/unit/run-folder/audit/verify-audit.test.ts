/** Random runs are proved; a change of any one step is found and named, and every sample is counted as a plain count has it. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AuditHeader } from '../../../../src/run-folder/audit/audit-line.ts';
import type { Evidence } from '../../../../src/run-folder/audit/check-evidence.ts';
import type { ProblemKind } from '../../../../src/run-folder/audit/check-span.ts';
import { type AuditReport, verifyAudit } from '../../../../src/run-folder/audit/verify-audit.ts';
import { auditHeader } from '../../../support/audit-header.ts';
import { rounds } from '../../../support/thoroughness.ts';
import {
  type AuditedEvent,
  type CommittedStep,
  countPlainly,
  damagedRecordOf,
  fileOf,
  keptEvents,
  noEvidence,
  recordOf,
  skippedBecause,
  stepsOf,
} from './audited-run.ts';

interface Run {
  readonly header: AuditHeader;
  readonly events: readonly AuditedEvent[];
  /** Steps that the run has in the end. */
  readonly steps: number;
  readonly lost: number;
}

/** Cuts positions at random places, in rank order; shares may be empty. */
function cutAt(from: number, to: number, cuts: readonly number[], firstWorker: number): CommittedStep['shares'] {
  const ends = [...cuts.map((cut) => from + (cut % (to - from + 1))).sort((a, b) => a - b), to];
  return ends.map((end, rank) => ({ workerId: `w${firstWorker + rank}`, from: ends[rank - 1] ?? from, to: end }));
}

/**
 * A sitting: steps with a fleet, whose shares change between them, and of which some are skipped as not finite; and how far a
 * resume after it goes back.
 */
const sitting = fc.record({
  parts: fc.array(
    fc.record({
      steps: fc.integer({ min: 1, max: 9 }),
      cuts: fc.array(fc.nat(20), { maxLength: 3 }),
      firstWorker: fc.nat(2),
      skipped: fc.array(fc.nat(9), { maxLength: 3 }),
    }),
    { minLength: 1, maxLength: 4 },
  ),
  back: fc.nat(12),
});

const runs: fc.Arbitrary<Run> = fc
  .record({
    seed: fc.nat(1000),
    trainCount: fc.integer({ min: 1, max: 50 }),
    batchSize: fc.integer({ min: 1, max: 16 }),
    sittings: fc.array(sitting, { minLength: 1, maxLength: 3 }),
  })
  .map(({ sittings, ...told }) => {
    const header = auditHeader(told);
    const perEpoch = Math.ceil(header.trainCount / header.batchSize);
    const events: AuditedEvent[] = [];
    let [next, lost] = [0, 0];
    for (const [index, { parts, back }] of sittings.entries()) {
      for (const { steps, cuts, firstWorker, skipped } of parts) {
        for (const end = next + steps; next < end; next++) {
          const from = (next % perEpoch) * header.batchSize;
          const to = Math.min(from + header.batchSize, header.trainCount);
          events.push({
            step: next,
            epoch: Math.floor(next / perEpoch),
            shares: cutAt(from, to, cuts, firstWorker),
            skipped: skipped.includes(end - next) ? skippedBecause : undefined,
          });
        }
      }
      if (index === sittings.length - 1) break;
      lost += Math.min(back, next);
      next = Math.max(0, next - back);
      events.push({ resume: next });
    }
    return { header, events, steps: next, lost };
  });

function audit({ header, events }: Run, evidence: Partial<Evidence> = {}): AuditReport {
  return verifyAudit(recordOf(fileOf(header, events)), { ...noEvidence, ...evidence });
}

const isStep = (event: AuditedEvent | undefined): event is CommittedStep => event !== undefined && !('resume' in event);
const keptSteps = ({ events }: Run) => keptEvents(events).flatMap((index) => [events[index]].filter(isStep));

function samplesByWorker(steps: readonly CommittedStep[]): Record<string, number> {
  const samples: Record<string, number> = {};
  for (const { workerId, from, to } of steps.flatMap(({ shares }) => shares)) {
    samples[workerId] = (samples[workerId] ?? 0) + to - from;
  }
  return samples;
}

const figuresOf = ({ epochs }: AuditReport) =>
  epochs
    .filter(({ expected, steps }) => expected > 0 || steps > 0)
    .map(({ epoch, expected, once, skipped, missingSamples, repeatedSamples }) => ({
      epoch,
      expected,
      once,
      skipped,
      missingSamples,
      repeatedSamples,
    }));

describe('a run', () => {
  test('is written and read as it was, whatever its fleets, shares and resumes', () => {
    fc.assert(
      fc.property(runs, (run) => {
        expect(stepsOf(recordOf(fileOf(run.header, run.events)))).toEqual(keptSteps(run));
      }),
    );
  });

  test('is proved, and every sample counted, whatever its fleets, shares and resumes', () => {
    fc.assert(
      fc.property(runs, (run) => {
        const report = audit(run, { savedStep: run.steps });
        expect(report).toMatchObject({
          proved: true,
          steps: run.steps,
          lostSteps: run.lost,
          problems: [],
          unsavedSteps: 0,
          skippedSteps: keptSteps(run).filter(({ skipped }) => skipped !== undefined).length,
        });
        expect(figuresOf(report)).toEqual(countPlainly(run.header, keptSteps(run), run.steps));
        expect(Object.fromEntries(report.workers.map(({ worker, samples }) => [worker, samples]))).toEqual(
          samplesByWorker(keptSteps(run)),
        );
      }),
    );
  });
});

describe('a damaged line', () => {
  test('is named, and no step is told otherwise than it was trained, whichever line it is', () => {
    fc.assert(
      fc.property(runs, fc.nat(), (run, choice) => {
        const lines = fileOf(run.header, run.events).trimEnd().split('\n');
        const line = choice % lines.length;
        const record = damagedRecordOf(lines.with(line, '\0\0').join('\n'));
        const { runId, seed, batchSize, trainCount, datasetDigest, version } = run.header;
        const config = { runId, seed, batchSize, trainCount, datasetDigest, version };
        const report = verifyAudit(record, { ...noEvidence, config });
        expect(report.proved).toBe(false);
        expect(report.problems[0]).toEqual({ kind: 'damaged', message: `line ${line + 1}: no JSON` });
        for (const step of stepsOf(record)) expect(run.events).toContainEqual(step);
      }),
    );
  });
});

/** Changes the event at an index, which is a step that counts. */
type Change = (events: readonly AuditedEvent[], index: number, step: CommittedStep) => readonly AuditedEvent[];

const replaceStep =
  (change: (step: CommittedStep) => CommittedStep): Change =>
  (events, index, step) =>
    events.with(index, change(step));

const changes: Readonly<Record<string, { readonly change: Change; readonly kinds: readonly ProblemKind[] }>> = {
  'a step that is left out': {
    change: (events, index) => events.toSpliced(index, 1),
    kinds: ['missing-steps'],
  },
  'a step that is there twice': {
    change: (events, index, step) => events.toSpliced(index, 0, step),
    kinds: ['repeated-steps'],
  },
  'a step of other positions': {
    change: replaceStep((step) => ({
      ...step,
      shares: step.shares.map(({ workerId, from, to }) => ({ workerId, from: from + 1, to: to + 1 })),
    })),
    kinds: ['wrong-batch'],
  },
  'a share with a sample more': {
    change: replaceStep((step) => ({
      ...step,
      shares: step.shares.map((share, rank) => (rank === 0 ? { ...share, to: share.to + 1 } : share)),
    })),
    kinds: ['overlap', 'wrong-batch'],
  },
  'a share with a sample less': {
    change: replaceStep((step) => {
      const rank = step.shares.findIndex(({ from, to }) => from < to);
      const shares = step.shares.map((share, other) => (other === rank ? { ...share, from: share.from + 1 } : share));
      return { ...step, shares };
    }),
    kinds: ['gap', 'wrong-batch'],
  },
  'a step of another epoch': {
    change: replaceStep((step) => ({ ...step, epoch: step.epoch + 1 })),
    kinds: ['wrong-epoch'],
  },
  'a worker whose share is gone': {
    change: replaceStep((step) => {
      const left = step.shares.findIndex(({ from, to }) => from < to);
      return { ...step, shares: step.shares.toSpliced(left, 1) };
    }),
    kinds: ['gap', 'wrong-batch'],
  },
};

describe.each(Object.entries(changes))('%s', (_, { change, kinds }) => {
  test('is named, with the samples that it leaves out or repeats', () => {
    fc.assert(
      fc.property(runs, fc.nat(), (run, choice) => {
        const kept = keptEvents(run.events);
        const index = kept[choice % kept.length];
        const step = index === undefined ? undefined : run.events[index];
        fc.pre(index !== undefined && isStep(step));
        const forged = { ...run, events: change(run.events, index, step) };
        const report = audit(forged, { savedStep: run.steps });
        expect(report.proved).toBe(false);
        expect(report.problems.filter(({ kind }) => kinds.includes(kind)).map(({ message }) => message)).not.toEqual(
          [],
        );
        const named = report.problems.some(({ message }) =>
          [...message.matchAll(/steps? (\d+)(?: to (\d+))?/g)].some(
            ([, first, last = first]) => Number(first) <= step.step + 1 && step.step + 1 <= Number(last),
          ),
        );
        expect(named, report.problems.map(({ message }) => message).join('\n')).toBe(true);
        expect(figuresOf(report)).toEqual(countPlainly(run.header, keptSteps(forged), run.steps));
      }),
      { numRuns: rounds(10, 100) },
    );
  });
});

test('samples that are moved from one worker to another are found by the summary', () => {
  fc.assert(
    fc.property(runs, fc.nat(), (run, choice) => {
      const kept = keptEvents(run.events);
      const index = kept[choice % kept.length] ?? -1;
      const step = run.events[index];
      const [first, second] = isStep(step) ? step.shares : [];
      fc.pre(isStep(step) && first !== undefined && second !== undefined && first.to < second.to);
      const { header, steps } = run;
      const summary = {
        runId: header.runId,
        seed: header.seed,
        batchSize: header.batchSize,
        trainCount: header.trainCount,
        steps,
        workers: new Map(Object.entries(samplesByWorker(keptSteps(run)))),
        isComplete: true,
      };
      expect(audit(run, { summary }).proved).toBe(true);
      const shares = [{ ...first, to: first.to + 1 }, { ...second, from: second.from + 1 }, ...step.shares.slice(2)];
      const report = audit({ ...run, events: run.events.with(index, { ...step, shares }) }, { summary });
      expect(report.proved).toBe(false);
      expect(report.problems.map(({ kind }) => kind)).toEqual(['summary', 'summary']);
      // A run that was resumed and killed has an older summary; and one with gaps knows less.
      const older = { ...summary, steps: steps - 1 };
      const damaged = { ...summary, isComplete: false };
      for (const weaker of [older, damaged]) {
        expect(audit({ ...run, events: run.events.with(index, { ...step, shares }) }, { summary: weaker }).proved).toBe(
          true,
        );
      }
    }),
  );
});
