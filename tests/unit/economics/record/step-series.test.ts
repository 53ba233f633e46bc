import { describe, expect, test } from 'vitest';
import { readStepSeries } from '../../../../src/economics/record/step-series.ts';

const line = (step: number, loss: number | null, samples = 10, seconds = 0.1) =>
  JSON.stringify({ type: 'step', step, epoch: 1, samples, loss, seconds });

describe('readStepSeries', () => {
  test('has every step of a short run, and none of the other lines', () => {
    const text = [line(1, 2), '{"type":"epoch","epoch":1}', line(2, 1, 20), '{"type":"step","st'].join('\n');
    expect(readStepSeries(text)).toEqual([
      { step: 1, loss: 2, samplesPerSecond: 100 },
      { step: 2, loss: 1, samplesPerSecond: 200 },
    ]);
    expect(readStepSeries('')).toEqual([]);
  });

  test('takes means of neighbours in a longer one, weighted by samples', () => {
    const lines = Array.from({ length: 600 }, (_, i) => line(i + 1, i % 2 === 0 ? 4 : 1, i % 2 === 0 ? 10 : 20));
    const series = readStepSeries(lines.join('\n'));
    expect(series).toHaveLength(300);
    expect(series[0]).toEqual({ step: 2, loss: 2, samplesPerSecond: expect.closeTo(150, 9) });
  });

  test('looks at no more lines of a very long one, and reaches its end', () => {
    const lines = Array.from({ length: 20_000 }, (_, i) => line(i + 1, 1));
    const series = readStepSeries(lines.join('\n'));
    expect(series.length).toBeLessThanOrEqual(300);
    expect(series.at(-1)?.step).toBeGreaterThan(19_990);
  });

  test('of 10,000 lines it looks at every other, and 17 of these make a point', () => {
    // A step's loss is its number, so a mean says which steps it is of.
    const series = readStepSeries(Array.from({ length: 10_000 }, (_, i) => line(i + 1, i + 1)).join('\n'));
    expect(series).toHaveLength(Math.ceil(5000 / 17));
    expect(series[0]).toMatchObject({ step: 33, loss: 17 });
    expect(series[1]).toMatchObject({ step: 67, loss: 51 });
    // The last point has the two that are left.
    expect(series.at(-1)).toMatchObject({ step: 9999, loss: 9998 });
  });

  test('takes no other line for a step, however it ends', () => {
    expect(readStepSeries(['{"type":"note","step":1}', line(1, 2)].join('\n'))).toHaveLength(1);
  });

  test('leaves a skipped step out of the loss of its neighbours', () => {
    const skipped = JSON.stringify({ ...JSON.parse(line(2, null, 30)), skipped: true });
    const lines = [line(1, 2), skipped, ...Array.from({ length: 598 }, (_, i) => line(i + 3, 1))];
    expect(readStepSeries(lines.join('\n'))[0]).toEqual({ step: 2, loss: 2, samplesPerSecond: expect.closeTo(200, 9) });
    expect(readStepSeries(skipped)[0]?.loss).toBeNaN();
  });

  test('a loss that was not finite stays visible as such', () => {
    expect(readStepSeries(line(1, null))[0]?.loss).toBeNaN();
  });
});
