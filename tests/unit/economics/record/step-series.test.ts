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

  test('a loss that was not finite stays visible as such', () => {
    expect(readStepSeries(line(1, null))[0]?.loss).toBeNaN();
  });
});
