import { describe, expect, test } from 'vitest';
import { renderAudit } from '../../../src/report/audit/audit-text.ts';
import type { EpochAudit } from '../../../src/run-folder/audit/count-samples.ts';
import type { AuditReport } from '../../../src/run-folder/audit/verify-audit.ts';
import { auditHeader } from '../../support/audit-header.ts';

const epoch = (number: number, more: Partial<EpochAudit> = {}): EpochAudit => ({
  epoch: number,
  steps: 938,
  lostSteps: 0,
  expected: 60_000,
  once: 60_000,
  skipped: 0,
  skippedSteps: 0,
  missing: 0,
  repeated: 0,
  missingSamples: [],
  repeatedSamples: [],
  whole: true,
  ...more,
});

function render(more: Partial<AuditReport>): readonly string[] {
  const report: AuditReport = {
    header: auditHeader({ trainCount: 60_000, batchSize: 64 }),
    proved: true,
    steps: 1876,
    epochs: [epoch(1), epoch(2)],
    workers: [],
    resumes: 0,
    lostSteps: 0,
    skippedSteps: 0,
    skippedSamples: 0,
    unsavedSteps: 0,
    problems: [],
    problemCount: 0,
    ...more,
  };
  return renderAudit('runs/a', report, { columns: 100, colour: false }).split('\n');
}

describe('an audit', () => {
  test('says what was proved, with one row for epochs that are alike', () => {
    const lines = render({
      epochs: [epoch(1), epoch(2), epoch(3, { lostSteps: 12 }), epoch(4, { expected: 640, once: 640, whole: false })],
      workers: [{ worker: 'w0', samples: 120_640 }],
      resumes: 1,
      lostSteps: 12,
      unsavedSteps: 3,
    });
    expect(lines[0]).toBe('Audit of runs/a: run r1 · 60,000 training samples · batch 64 · seed 7');
    expect(lines.slice(4, 7).map((line) => line.trim().split(/ {2,}/)[0])).toEqual(['each of 1 to 2', '3', '4']);
    expect(lines.slice(8)).toEqual([
      'Samples by worker: w0 120,640',
      'Lost because no checkpoint had them, and trained again: 12 steps at 1 resume',
      'After the newest checkpoint: 3 steps; if the run has ended, its model lacks them',
      'Proved: each of 3 whole epochs applied each of its 60,000 samples exactly once; epoch 4 has applied',
      '  640 of its 60,000 samples, each exactly once',
    ]);
  });

  test.each([
    [{ epochs: [epoch(1)] }, 'Proved: the whole epoch applied each of its 60,000 samples exactly once'],
    [
      { epochs: [epoch(1, { expected: 64, once: 64, whole: false })] },
      'Proved: epoch 1 has applied 64 of its 60,000 samples, each exactly once',
    ],
    [{ epochs: [], steps: 0 }, 'Proved: no step was trained'],
  ])('of %j ends with what it proves', (more, verdict) => {
    expect(render(more).at(-1)).toBe(verdict);
  });

  test('names problems and samples, the first of many, and proves nothing', () => {
    const problems = Array.from({ length: 12 }, (_, index) => ({ kind: 'gap' as const, message: `problem ${index}` }));
    const lines = render({
      proved: false,
      problems,
      problemCount: 40,
      epochs: [
        epoch(1, { once: 59_999, missing: 1, missingSamples: [17] }),
        epoch(2, { repeated: 64, repeatedSamples: Array.from({ length: 64 }, (_, index) => index) }),
      ],
    });
    expect(lines.slice(7)).toEqual([
      ...problems.slice(0, 10).map(({ message }) => `Problem: ${message}`),
      '30 problems more',
      'Epoch 1: 1 training image missing: 17',
      'Epoch 2: 64 training images repeated: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 54 more',
      'Not proved: the file does not show that each sample was drawn exactly once',
    ]);
  });

  test('says which samples were drawn and not applied', () => {
    const lines = render({
      epochs: [epoch(1, { once: 59_904, skipped: 96, skippedSteps: 2 }), epoch(2)],
      skippedSteps: 2,
      skippedSamples: 96,
    });
    const cells = (line: string | undefined) => line?.trim().split(/ {2,}/);
    expect(cells(lines[2])).toContain('skipped');
    expect(cells(lines[4])).toEqual(['1', '938', '60,000', '59,904', '96', '0', '0', '0']);
    expect(lines.slice(7)).toEqual([
      'Skipped as not finite: 96 samples in 2 steps, drawn but applied to nothing',
      'Proved: each of 2 whole epochs drew each of its 60,000 samples exactly once, and applied it unless',
      '  its step was skipped: 96 samples in 2 steps were skipped as not finite',
    ]);
  });

  test('paints its verdict', () => {
    const report = { columns: 100, colour: true };
    const [proved, refuted] = [true, false].map((isProved) =>
      renderAudit(
        'runs/a',
        {
          header: auditHeader(),
          proved: isProved,
          steps: 0,
          epochs: [],
          workers: [],
          resumes: 0,
          lostSteps: 0,
          skippedSteps: 0,
          skippedSamples: 0,
          unsavedSteps: 0,
          problems: [],
          problemCount: 0,
        },
        report,
      ),
    );
    expect(proved).toContain('\u001b[1m\u001b[32mProved\u001b[39m\u001b[22m: ');
    expect(refuted).toContain('\u001b[1m\u001b[31mNot proved\u001b[39m\u001b[22m: ');
  });
});
