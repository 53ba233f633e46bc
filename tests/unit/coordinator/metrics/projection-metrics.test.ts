import { describe, expect, test } from 'vitest';
import type { RunEvent } from '../../../../src/coordinator/run-events.ts';
import { member, observeRun, stepEvent } from '../../../support/observed-run.ts';
import { parseSamples, withoutRun } from '../../../support/scrape.ts';

const names = ['projected_remaining_seconds', 'projected_cost_usd', 'budget_remaining_usd', 'budget_remaining_seconds'];

/** Two workers at a price per hour; the budget is five dollars or two hours. */
function train(priceUsdPerHour: number | undefined) {
  const { metrics, observe, pass, now } = observeRun();
  for (const workerId of ['w0', 'w1']) observe({ type: 'worker-began', workerId, at: 0, priceUsdPerHour });
  observe({
    type: 'generation',
    number: 1,
    parameterCount: 1,
    reason: '',
    members: [member(0, priceUsdPerHour), member(1, priceUsdPerHour)],
  });
  observe({ type: 'epoch-begun', epoch: 0 });
  const tell = (event: RunEvent) => observe(event);
  return {
    tell,
    steps(count: number, seconds: number) {
      for (let step = 0; step < count; step++) {
        pass(seconds);
        tell(stepEvent(step, { seconds }));
        tell({ type: 'spent', redone: false, members: [] });
      }
    },
    /** Undefined where a figure is absent. */
    async read() {
      const samples = withoutRun(parseSamples(await metrics.application.metrics()));
      return names.map((name) => samples.get(`pennygrad_${name}`));
    },
    now,
  };
}

/** Six steps in all; three test passes over 100 images at three times the pace of 64 samples a step. */
const passes = (step: number) => (3 * 100 * step) / (3 * 64);

describe('the metrics of what lies ahead', () => {
  test('are absent before the first step, but for the budget', async () => {
    const { read } = train(3.6);
    expect(await read()).toEqual([undefined, undefined, 5, expect.closeTo(2500, 6)]);
  });

  test('follow the run, and end with it', async () => {
    const { steps, read, tell } = train(3.6);
    steps(2, 1);
    const left = 4 + passes(1);
    expect(await read()).toEqual(
      [left, 0.004 + 0.002 * left, 5 - 0.004, 2500 - 2].map((value) => expect.closeTo(value, 6)),
    );
    tell({ type: 'ended', status: 'completed', code: undefined });
    expect(await read()).toEqual([0, expect.closeTo(0.004, 6), expect.closeTo(4.996, 6), undefined]);
  });

  test('say nothing more of a run that ended early', async () => {
    const { steps, read, tell } = train(3.6);
    steps(2, 1);
    tell({ type: 'ended', status: 'interrupted', code: 'budget-reached' });
    expect(await read()).toEqual([undefined, undefined, expect.closeTo(4.996, 6), undefined]);
  });

  test('have no cost where nobody has a price; the hours go by all the same', async () => {
    const { steps, read } = train(undefined);
    steps(2, 1);
    expect(await read()).toEqual([4 + passes(1), undefined, 5, 7200 - 2]);
  });
});
