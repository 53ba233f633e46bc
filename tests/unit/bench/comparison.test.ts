import { describe, expect, it } from 'vitest';
import { compare, type Measurement, ratio } from '../../../src/bench/peers/comparison.ts';
import { engineColumns, pairColumns, tableRows } from '../../../src/bench/peers/comparison-table.ts';
import { roundRobin } from '../../../src/bench/peers/schedule.ts';
import { renderTable } from '../../../src/report/terminal/table.ts';

function measured(candidate: string, batchSize: number, rates: readonly number[]): Measurement[] {
  return rates.map((samplesPerSecond, round) => ({ candidate, batchSize, round, samplesPerSecond }));
}

describe('roundRobin', () => {
  it('measures the candidates of a batch size one after another, and begins each round with the next', () => {
    const turns = roundRobin(['a', 'b'], [32, 64], 3);
    expect(turns.map(({ round, batchSize, candidate }) => `${round}:${batchSize}${candidate}`)).toEqual([
      ...['0:32a', '0:32b', '0:64a', '0:64b'],
      ...['1:32b', '1:32a', '1:64b', '1:64a'],
      ...['2:32a', '2:32b', '2:64a', '2:64b'],
    ]);
  });

  it('has nothing to do without candidates', () => {
    expect(roundRobin([], [32], 3)).toEqual([]);
  });
});

describe('ratio', () => {
  it('is the median of the rounds, not the ratio of the medians', () => {
    // In rounds: 2, 1.5 and 4 times as fast. The medians would say 400 / 150.
    const fast = measured('fast', 32, [200, 450, 400]);
    const slow = measured('slow', 32, [100, 300, 100]);
    expect(ratio(fast, slow)).toBe(2);
  });

  it('leaves out rounds that only one side has', () => {
    expect(ratio(measured('a', 32, [10]), measured('b', 32, [5, 1000, 1000]))).toBe(2);
    expect(ratio(measured('a', 32, [10]), [])).toBeUndefined();
  });
});

describe('compare', () => {
  const measurements = [
    ...measured('wasm', 32, [3000, 3300, 3600]),
    ...measured('wasm', 64, [3000, 3000, 3000]),
    ...measured('PyTorch', 32, [3000, 3000, 3000]),
  ];
  const rows = compare(measurements, { baselines: ['PyTorch', 'Keras'], flopsPerSample: 1e7, peakFlops: 6e10 });

  it('gives the median, the best, the share of the peak, and ratios where there is something to compare with', () => {
    expect(rows).toEqual([
      {
        candidate: 'wasm',
        batchSize: 32,
        samplesPerSecond: 3300,
        bestSamplesPerSecond: 3600,
        rooflineShare: 0.55,
        ratios: { PyTorch: 1.1 },
      },
      {
        candidate: 'wasm',
        batchSize: 64,
        samplesPerSecond: 3000,
        bestSamplesPerSecond: 3000,
        rooflineShare: 0.5,
        ratios: {},
      },
      {
        candidate: 'PyTorch',
        batchSize: 32,
        samplesPerSecond: 3000,
        bestSamplesPerSecond: 3000,
        rooflineShare: 0.5,
        ratios: {},
      },
    ]);
  });

  it('has no share without a peak', () => {
    const [row] = compare(measurements, { baselines: [], flopsPerSample: 1e7, peakFlops: undefined });
    expect(row?.rooflineShare).toBeUndefined();
  });
});

describe('the tables', () => {
  const plain = { columns: 200, paint: (_: unknown, text: string) => text };
  const cells = (table: string) => table.split('\n').map((line) => line.trim().split(/ {2,}/));

  it('show figures, a dash for what there is not, and in their row why someone was not measured', () => {
    const measurements = [...measured('webgpu', 64, [3300.4]), ...measured('PyTorch', 64, [3000])];
    const rows = compare(measurements, { baselines: ['PyTorch'], flopsPerSample: 1e7, peakFlops: 6.6e10 });
    const absent = [{ title: 'Keras', reason: 'no Python 3\n found' }];
    const [head, , ...body] = cells(
      renderTable(engineColumns, tableRows(rows, absent, new Map([['webgpu', 'software adapter']])), plain),
    );
    expect(head).toEqual([
      ...['engine', 'batch', 'samples/s', 'best', 'roofline'],
      ...['÷ PyTorch', '÷ Keras', '÷ tfjs-node'],
    ]);
    expect(body).toEqual([
      ['webgpu', '64', '3,300', '3,300', '50.0 %', '1.10', '–', '–', 'software adapter'],
      ['PyTorch', '64', '3,000', '3,000', '45.5 %', '–', '–', '–'],
      ['Keras', '–', '–', '–', '–', '–', '–', '–', 'not measured: no Python 3 found'],
    ]);
  });

  it('keep a digit of a small ratio', () => {
    const measurements = [...measured('slow', 64, [9.4]), ...measured('fast', 64, [1000])];
    const rows = compare(measurements, { baselines: ['fast'], flopsPerSample: 0, peakFlops: undefined });
    const [, , slow] = cells(renderTable(pairColumns(['fast']), tableRows(rows, []), plain));
    expect(slow).toEqual(['slow', '64', '9', '9', '0.009']);
  });
});
