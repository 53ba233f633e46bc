import { describe, expect, test } from 'vitest';
import { type PlanOptions, planRuns } from '../../../src/economics/planning/planning.ts';
import { type PlanRequest, renderPlan } from '../../../src/report/comparison/plan-text.ts';
import { comparedRun, type TestKind } from '../../support/compared-runs.ts';

const wasm: TestKind = { backend: 'wasm', price: 0.36, gpu: 'gcp/t4/spot' };
const dear: TestKind = { ...wasm, gpu: 'lambda/t4/on-demand' };

/** Three repeats of fleets of 1, 2 and 4, `noise` apart; 0.1 ms a sample, 1 ms a worker more and 2 ms. */
function runsOf(kind: TestKind, noise: number) {
  return [1, 2, 4].flatMap((workers) =>
    [50, 200].flatMap((batch) =>
      [-noise, 0, noise].map((off, index) => {
        const seconds = ((1e-4 * batch) / workers + 1e-3 * (workers - 1) + 2e-3) * (1 + off);
        return comparedRun({
          workers: Array(workers).fill(kind),
          rate: batch / seconds,
          batch,
          evaluateSeconds: 2 / workers,
          folder: `${workers}-${batch}-${index}`,
        });
      }),
    ),
  );
}

function rendered(
  request: Partial<PlanRequest & PlanOptions> = {},
  runs = runsOf(wasm, 0.01),
  options: { readonly columns: number; readonly colour: boolean } = { columns: 400, colour: false },
): string {
  const asked = {
    epochs: 10,
    unmeasured: false,
    mostWorkers: undefined,
    targetSeconds: undefined,
    budgetUsd: undefined,
    offersOf: () => [],
    ...request,
  };
  return renderPlan(planRuns(runs, asked), asked, options);
}

/** The same with sentences on one line each. */
function flowed(...args: Parameters<typeof rendered>): string {
  return rendered(...args).replaceAll(/\n {2}(?=\S)/g, ' ');
}

describe('renderPlan', () => {
  test('shows accrued and billed cost, each with its range, and by which rules', () => {
    const text = flowed();
    expect(text).toContain(
      '10 epochs, start-up and test passes included; no other way is both faster and billed less, beyond the ranges in brackets',
    );
    // 4 s, 3,000 steps of 13 ms and ten test passes of 1 s: 53 s for two workers at $0.36, who are billed a minute each.
    expect(text).toMatch(
      / 2 × t4 wasm +200 +as measured +\$0\.72 +5\d s \(5\d s–5\d s\) +\$0\.011 +\$0\.012 \(\$0\.012–\$0\.012\)\n/,
    );
    expect(text).toContain('\nbilled: GCP by the second, at least 60 s; each worker is a rental');
    expect(flowed({}, runsOf({ ...wasm, gpu: 't4' }, 0.01))).toContain(
      '\nbilled: by the second where the provider has no known rule; each worker is a rental',
    );
    expect(text).toContain('name --target-seconds or --budget-usd to have one chosen');
    expect(text).toContain('only fleets that were measured at their batch size are planned: --unmeasured adds');
    expect(flowed({ epochs: 1 })).toContain('1 epoch, start-up');
  });

  test('says what was chosen, and marks its row', () => {
    const text = flowed({ targetSeconds: 200 }, runsOf(dear, 0.001));
    expect(text).toMatch(
      /\nchosen: 2 × t4 wasm, batch 200, as measured, 53 s \(53 s–54 s\) for \$0\.012 \(\$0\.012–\$0\.012\) billed, \$0\.011 accrued\n/,
    );
    expect(text).toMatch(/\n > +2 × t4 wasm +200 /);
    expect(text).not.toContain('cannot be told');
    expect(text).not.toContain('it may');
  });

  test('says what the choice cannot be told from, by time and by bill, and which of these was taken', () => {
    const noisy = runsOf(wasm, 0.6);
    const byTime = flowed({ budgetUsd: 1 }, noisy);
    expect(byTime).toMatch(
      /its time cannot be told from that of .*batch \d+.* accrued; of these the one with the lowest bill was chosen\n/,
    );
    const byBill = flowed({ targetSeconds: 10_000 }, noisy);
    expect(byBill).toMatch(
      /its billed cost cannot be told from that of .* accrued; of these the one with the fewest workers( and then the lowest bill)? was chosen\n/,
    );
  });

  test('says when it may not keep to the limits', () => {
    const noisy = runsOf(wasm, 0.3);
    expect(flowed({ targetSeconds: 45 }, noisy)).toContain(
      'it may take longer than 45 s: no way is surely within the limits\n',
    );
    expect(flowed({ targetSeconds: 45, budgetUsd: 0.03 }, noisy)).toContain(
      'it may take longer than 45 s or be billed more than $0.030: no way is surely',
    );
  });

  test('marks what was not measured, and says that the error of larger fleets is not known', () => {
    const text = flowed({ unmeasured: true, epochs: 100, budgetUsd: 1 });
    expect(text).toMatch(/ 3 × t4 wasm +200 .* ~\n/);
    expect(text).toMatch(/ 5 × t4 wasm +200 +as measured +\$1\.80 +\d min \d\d s +\$0\.\d+ +\$0\.\d+ +\+\n/);
    expect(text).toContain('marked ~: this fleet was not measured at this batch size');
    expect(text).toContain('marked +: more workers than were measured');
    expect(text).toContain('\nchosen: 4 × t4 wasm');
    const faster = flowed({ unmeasured: true, epochs: 100, targetSeconds: 350 });
    expect(faster).toMatch(
      /\nchosen: 5 × t4 wasm, .*\nno range: nothing measured tells how accurate this estimate is\n/,
    );
    expect(faster).not.toContain('no way is surely');
    expect(text).not.toContain('--unmeasured adds');
    const measured = flowed();
    expect(measured).not.toContain('marked');
  });

  test('says which epochs an accuracy needs, at which batch, and which runs did not reach it', () => {
    // All runs have the same accuracies; those at batch 50 lose theirs.
    const runs = runsOf(wasm, 0.01).map(({ folder, summary }) => ({
      folder,
      summary: {
        ...summary,
        epochs: summary.epochs.map((epoch, index) => ({
          ...epoch,
          test_accuracy: summary.global_batch_size === 50 ? 0.9 : 0.985 + index / 1000,
        })),
      },
    }));
    const text = flowed({ targetAccuracy: 0.98 }, runs);
    expect(text).toContain('batch 200 needs 1 epoch to 98 %, according to 9 runs\n');
    expect(text).toContain('batch 50 is left out: no run reached 98 % with it\n');
    expect(text).toContain('not reached: 1-50-0, at most 90.00 %\n');
    expect(text).toContain('to a test accuracy of 98 %, start-up and test passes included');
    const [one] = runs.filter(({ summary }) => summary.global_batch_size === 200);
    const single = runs.map((run) =>
      run === one ? run : { ...run, summary: { ...run.summary, epochs: [] as typeof run.summary.epochs } },
    );
    const alone = flowed({ targetAccuracy: 0.98 }, single);
    expect(alone).toContain('batch 200 needs 1 epoch to 98 %, according to one run, which says nothing of others\n');
    expect(alone).toContain('not reached: 1-50-0, which had no test pass\n');
  });

  test('keeps sentences and tables within the terminal', () => {
    const text = rendered({ budgetUsd: 1 }, runsOf(wasm, 0.3), { columns: 104, colour: false });
    const [, ...after] = text.split('\n');
    expect(text).toMatch(/ billed *\n/);
    expect(text).not.toMatch(/ accrued +billed/);
    expect(Math.max(...after.map((line) => line.length))).toBeLessThanOrEqual(104);
  });
});
