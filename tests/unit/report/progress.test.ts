import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  createJsonProgress,
  createProgress,
  type Progress,
  silentProgress,
} from '../../../src/report/terminal/progress.ts';
import { renderProgress } from '../../../src/report/terminal/progress-line.ts';
import {
  advanceProgress,
  beginProgress,
  type ProgressStep,
  progressFigures,
} from '../../../src/report/terminal/progress-state.ts';

const plan = { epochs: 5, samplesPerEpoch: 1000, totalSamples: 5000 };
const step: ProgressStep = {
  epoch: 0,
  samples: 100,
  loss: 0.5,
  correct: 90,
  seconds: 0.1,
  readOutlook: () => ({ costUsd: 0.0031, secondsLeft: 5 }),
};
/** At $0.62 an hour. */
const priced = { costUsd: 0.0031, usdPerHour: 0.62, secondsLeft: 0.9, projectedUsd: 0.0155, budgetSecondsLeft: 40 };
const pricedStep: ProgressStep = { ...step, readOutlook: () => priced };

/** A terminal that keeps what was written, and a clock that is moved by hand. */
function screen(options: { isTTY: boolean; columns?: number; colour?: boolean }) {
  const written: string[] = [];
  const clock = { seconds: 100 };
  const stream = { columns: options.columns ?? 100, write: (text: string) => written.push(text) };
  const now = () => clock.seconds;
  const progress = createProgress({ stream, now, isTTY: options.isTTY, colour: options.colour ?? false });
  return { written, clock, progress, stream, now };
}

/** Steps of 100 samples, `secondsEach` apart, through `epochs` epochs of 1000. */
function trainThrough(progress: Progress, clock: { seconds: number }, epochs: number, secondsEach: number): void {
  progress.begin({ ...plan, epochs, totalSamples: epochs * 1000 });
  for (let index = 0; index < epochs * 10; index++) {
    clock.seconds += secondsEach;
    progress.step({ ...step, epoch: Math.floor(index / 10), seconds: secondsEach });
    if (index % 10 === 9) {
      const result = { loss: 0.5, accuracy: 0.9, testLoss: 0.4, testAccuracy: 0.95, samples: 1000 };
      progress.epoch({
        ...result,
        epoch: Math.floor(index / 10),
        seconds: 10 * secondsEach,
        usd: 0.002,
        costUsd: 0.004,
      });
    }
  }
  progress.close();
}

describe('progressFigures', () => {
  test('averages over the samples of the epoch so far', () => {
    let state = beginProgress(plan);
    state = advanceProgress(state, { ...step, samples: 300, loss: 1, correct: 150, seconds: 1 });
    state = advanceProgress(state, { ...step, samples: 100, loss: 0.2, correct: 90, seconds: 1 });
    expect(progressFigures(state)).toEqual({
      done: 0.4,
      loss: 0.8,
      accuracy: 0.6,
      samplesPerSecond: 200,
    });
    state = advanceProgress(state, { ...step, epoch: 1, samples: 100, loss: 0.1, correct: 100, seconds: 1 });
    expect(progressFigures(state)).toMatchObject({ done: 0.1, loss: 0.1, accuracy: 1, samplesPerSecond: 100 });
  });

  test('a run cut short by --steps has a short last epoch', () => {
    let state = beginProgress({ epochs: 2, samplesPerEpoch: 1000, totalSamples: 1200 });
    state = advanceProgress(state, { ...step, samples: 1000 });
    state = advanceProgress(state, { ...step, epoch: 1, samples: 200 });
    expect(progressFigures(state)).toMatchObject({ done: 1 });
  });

  test('a run that goes on has behind it what it has', () => {
    const epoch = { epoch: 1, samples: 400, lossSum: 200, correct: 300, seconds: 2 };
    let state = beginProgress({ ...plan, carried: { samples: 1400, epoch } });
    expect(progressFigures(state)).toMatchObject({ done: 0.4, loss: 0.5, accuracy: 0.75 });
    state = advanceProgress(state, { ...step, epoch: 1, samples: 100 });
    expect(progressFigures(state)).toMatchObject({ done: 0.5 });
    const between = beginProgress({ ...plan, carried: { samples: 2000 } });
    expect(progressFigures(advanceProgress(between, { ...step, epoch: 2 }))).toMatchObject({ done: 0.1 });
  });

  test('are those of nothing before the first step', () => {
    expect(progressFigures(beginProgress(plan))).toMatchObject({ done: 0, loss: 0 });
  });
});

describe('renderProgress', () => {
  const state = advanceProgress(beginProgress(plan), { ...pricedStep, samples: 500, correct: 450, seconds: 0.1 });

  test('has everything where there is room', () => {
    expect(renderProgress(state, { columns: 180, colour: false })).toBe(
      'epoch 1/5 ████████████░░░░░░░░░░░░  50 % · 5,000 samples/s · loss 0.5000 · accuracy 90.0 % · $0.0031 so far · $0.62/h · $0.015 projected · 0.9 s left · budget lasts 40 s',
    );
    // On a narrow terminal what is to come counts for more than how the loss is.
    const narrow = renderProgress(state, { columns: 115, colour: false });
    expect(narrow).toMatch(/\$0\.0031 so far · \$0\.015 projected · 0\.9 s left$/);
  });

  test('keeps what is left of the budget next to the cost, and has the bill where the budget limits that', () => {
    const budgeted = (budgetBasis: 'accrued' | 'billed') =>
      advanceProgress(state, {
        ...pricedStep,
        readOutlook: () => ({ ...priced, billedUsd: 0.01, budgetUsdLeft: 0.04, budgetBasis }),
      });
    expect(renderProgress(budgeted('billed'), { columns: 90, colour: false })).toMatch(
      / · \$0\.0031 so far, \$0\.010 billed · \$0\.040 of the budget left/,
    );
    expect(renderProgress(budgeted('accrued'), { columns: 90, colour: false })).toMatch(
      / · \$0\.0031 so far · \$0\.040 of the budget left/,
    );
  });

  test('never wraps, at any width and in colour or not, and keeps the cost longest', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.boolean(), (columns, colour) => {
        const line = stripVTControlCharacters(renderProgress(state, { columns, colour }));
        expect(line.length).toBeLessThan(columns);
        if (columns >= 50) expect(line).toContain('$0.0031');
        if (columns >= 10) expect(line).toContain('epoch 1/5');
      }),
    );
  });

  test('leaves the cost out when there is no price', () => {
    const free = advanceProgress(beginProgress(plan), { ...step, readOutlook: () => ({}) });
    expect(renderProgress(free, { columns: 120, colour: false })).not.toContain('$');
  });
});

describe('createProgress', () => {
  test('on a terminal redraws one line in place, ten times a second at most', () => {
    const { written, clock, progress } = screen({ isTTY: true });
    trainThrough(progress, clock, 1, 0.03);
    const draws = written.filter((text) => text.includes('█') || text.includes('░'));
    // 10 steps in 0.3 s: the first, then one each 0.1 s, and the last.
    expect(draws.length).toBeLessThanOrEqual(4);
    expect(draws.length).toBeGreaterThanOrEqual(3);
    for (const text of draws) {
      expect(text.startsWith('\r') && text.endsWith('\x1b[K')).toBe(true);
      expect(text).not.toContain('\n');
    }
    expect(draws.at(-1)).toContain('100 %');
    expect(written.at(-1)).toMatch(/^epoch 1\/1 .*test accuracy 95.00 % · \$0.0040 so far\n$/);
  });

  test('a logged line does not tear the one being drawn', () => {
    const { written, clock, progress } = screen({ isTTY: true });
    progress.begin(plan);
    clock.seconds += 1;
    progress.step(step);
    written.length = 0;
    progress.log('worker w2 joined');
    expect(written.slice(0, 2)).toEqual(['\r\x1b[K', 'worker w2 joined\n']);
    expect(written[2]).toContain('epoch 1/5');
    progress.close();
    progress.close();
    expect(written.filter((text) => text === '\n')).toHaveLength(1);
  });

  test('follows a terminal that is resized', () => {
    const { written, clock, progress, stream } = screen({ isTTY: true, columns: 110 });
    progress.begin(plan);
    progress.step(step);
    stream.columns = 40;
    clock.seconds += 1;
    progress.step(step);
    expect(stripVTControlCharacters(written.at(-1) ?? '').length).toBeLessThanOrEqual(40);
  });

  test('an epoch that --steps cut short is called so, to people and to machines', () => {
    const cut = { epoch: 1, loss: 0.5, accuracy: 0.9, testLoss: 0.4, testAccuracy: 0.95, samples: 200, seconds: 2 };
    const { written, progress, stream, now } = screen({ isTTY: false });
    progress.begin({ ...plan, totalSamples: 1200 });
    progress.epoch({ ...cut, cutShort: true });
    expect(written.at(-1)).toMatch(/^epoch 2\/5 cut short 2\.0 s · 100 samples\/s/);
    const machines = createJsonProgress({ stream, now });
    machines.epoch({ ...cut, cutShort: true });
    machines.epoch(cut);
    expect(written.slice(-2).map((line) => JSON.parse(line).cut_short)).toEqual([true, undefined]);
  });

  test('elsewhere prints plain lines: none within a short epoch, at most nine in a long one', () => {
    const short = screen({ isTTY: false });
    trainThrough(short.progress, short.clock, 5, 0.5);
    expect(short.written).toHaveLength(5);

    const long = screen({ isTTY: false });
    trainThrough(long.progress, long.clock, 1, 60);
    expect(long.written).toHaveLength(10);
    expect(long.written[0]).toMatch(/^epoch 1\/1 .* 10 % .*left\n$/);
    for (const text of long.written) expect(text).not.toContain('\x1b');
  });

  test('--json prints an object a line', () => {
    const { written, clock, stream, now } = screen({ isTTY: false });
    trainThrough(createJsonProgress({ stream, now }), clock, 1, 60);
    const events = written.map((line) => JSON.parse(line));
    expect(events[0]).toEqual({ event: 'begin', epochs: 1, samples: 1000 });
    expect(events[1]).toMatchObject({ event: 'progress', epoch: 1, samples: 100, loss: 0.5, run_cost_usd: 0.0031 });
    expect(events.at(-1)).toMatchObject({
      event: 'epoch',
      epoch: 1,
      test_accuracy: 0.95,
      cost_usd: 0.002,
      run_cost_usd: 0.004,
    });
  });

  test('--json has what lies ahead, each figure by its unit', () => {
    const { written, clock, stream, now } = screen({ isTTY: false });
    const machines = createJsonProgress({ stream, now });
    machines.begin(plan);
    clock.seconds += 60;
    machines.step({
      ...pricedStep,
      samples: 200,
      readOutlook: () => ({ ...priced, billedUsd: 0.01, budgetUsdLeft: 0.007 }),
    });
    expect(JSON.parse(written.at(-1) ?? '')).toMatchObject({
      event: 'progress',
      eta_seconds: 0.9,
      run_cost_usd: 0.0031,
      run_billed_usd: 0.01,
      usd_per_hour: 0.62,
      projected_cost_usd: 0.0155,
      budget_remaining_usd: 0.007,
      budget_remaining_seconds: 40,
    });
  });

  test('--quiet prints nothing and needs no clock', () => {
    expect(() => trainThrough(silentProgress, { seconds: 0 }, 1, 1)).not.toThrow();
  });
});
