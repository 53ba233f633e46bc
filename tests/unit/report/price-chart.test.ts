import { describe, expect, it } from 'vitest';
import { renderPriceChart } from '../../../src/report/terminal/price-chart.ts';

const h100 = {
  label: 'gcp/h100/spot',
  points: [
    { day: '2025-01-01', value: 2 },
    { day: '2024-01-01', value: 8 },
  ],
};
const t4 = { label: 'gcp/t4/spot', points: [{ day: '2024-07-01', value: 0.5 }] };

describe('renderPriceChart', () => {
  it('draws a line for each series between its first and its last price, on the same axes', () => {
    const lines = renderPriceChart([h100, t4], '2025-12-31', 64);
    expect(lines).toEqual([
      'USD per GPU and hour, on a logarithmic scale from $0.50 to $8.00',
      // Half of two years at the top; 2 is half of the way from 0.5 to 8 in logarithms.
      ` gcp/h100/spot $8.00 ${'█'.repeat(18)}${'▅'.repeat(18)} $2.00`,
      ` gcp/t4/spot   $0.50 ${' '.repeat(8)}${'▁'.repeat(28)} $0.50`,
      `${' '.repeat(21)}2024              2025`,
    ]);
  });

  it('fits the terminal', () => {
    for (const columns of [60, 80, 140]) {
      const widest = Math.max(...renderPriceChart([h100, t4], '2025-12-31', columns).map((line) => line.length));
      expect(widest).toBeLessThanOrEqual(Math.max(columns, 64));
    }
  });

  it('leaves out what comes after its end, and is not drawn without a price', () => {
    expect(renderPriceChart([h100, t4], '2024-03-01', 80)).toHaveLength(3);
    expect(renderPriceChart([h100], '2023-01-01', 80)).toEqual([]);
    expect(renderPriceChart([], '2023-01-01', 80)).toEqual([]);
  });
});
