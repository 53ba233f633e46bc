import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findPrice, labelsIn, latestPrices } from '../../../../src/economics/prices/price-lookup.ts';
import { messageOf } from '../../../../src/shared/core/errors.ts';
import { priceRows } from '../../../support/price-rows.ts';

const rows = priceRows(
  'GCP/T4/spot 2024-01 0.2 16',
  'GCP/T4/spot 2025-01 0.1 16',
  'GCP/T4/spot 2025-03 0.3 16',
  'GCP/T4/on-demand 2024-06 0.4 16',
  'AWS/A100/on-demand 2024-01 4 40',
  'AWS/A100/on-demand 2024-06 5 80',
  'Vast/H100/on-demand 2025-01 6 80',
  'Vast/H100/on-demand 2025-01 2 80',
  'RunPod/H100/spot undated 2.5 80',
  'own/V100/reserved 2024-02 0.5',
);
const inAnyOrder = fc.shuffledSubarray([...rows], { minLength: rows.length });

describe('latestPrices', () => {
  it('takes of each GPU, memory, provider and market the latest that is not after the day', () => {
    const on = (day: string) => latestPrices(rows, day).map(({ usdPerHour }) => usdPerHour);
    expect(on('2023-12-31')).toEqual([]);
    expect(on('2024-01-01')).toEqual([0.2, 4]);
    expect(on('2025-02-28')).toEqual([0.1, 0.4, 4, 5, 2, 0.5]);
    expect(on('2030-01-01')).toEqual([0.3, 0.4, 4, 5, 2, 0.5]);
  });

  it('takes the same whatever the order of the table', () => {
    fc.assert(
      fc.property(inAnyOrder, (table) => {
        const prices = latestPrices(table, '2025-02-28').map(({ usdPerHour }) => usdPerHour);
        expect(prices.sort((a, b) => a - b)).toEqual([0.1, 0.4, 0.5, 2, 4, 5]);
      }),
    );
  });
});

describe('findPrice', () => {
  it.each([
    ['gcp/t4/spot', '2024-12-31', 0.2],
    ['GCP/T4/Spot', '2025-01-01', 0.1],
    ['gcp/t4-16gb/spot', '2025-12-31', 0.3],
    ['aws/a100-40gb/on-demand', '2025-12-31', 4],
    ['vast/h100/on-demand', '2025-12-31', 2],
    ['own/v100/reserved', '2025-12-31', 0.5],
  ])('finds %s on %s, whatever the order of the table', (label, day, usd) => {
    fc.assert(
      fc.property(inAnyOrder, (table) => {
        expect(findPrice(table, label, day).usdPerHour).toBe(usd);
      }),
    );
  });

  it.each([
    [
      'gcp/t5/spot',
      "no price is known for 'gcp/t5/spot'; similar labels: gcp/t4/spot, gcp/t4/on-demand, runpod/h100/spot,",
    ],
    ['azure/t4/spot', "no price is known for 'azure/t4/spot'; similar labels: gcp/t4/spot, gcp/t4/on-demand,"],
    ['gcp/a100/spot', 'similar labels: aws/a100-40gb/on-demand, aws/a100-80gb/on-demand, gcp/t4/spot,'],
    [
      'aws/a100/on-demand',
      'names GPUs with different amounts of memory; use aws/a100-40gb/on-demand or aws/a100-80gb/on-demand',
    ],
    ['gcp/t4/on-demand', "'gcp/t4/on-demand' has no price on 2024-02-01; its first price is from 2024-06-01"],
    ['runpod/h100/spot', "the price of 'runpod/h100/spot', 2.5 USD per hour, has no date"],
    ['t4', "'t4' must be provider/gpu/market to have a price, for example gcp/t4/spot"],
    ['gcp/t4/spot/x', 'must be provider/gpu/market'],
    ['gcp//spot', 'must be provider/gpu/market'],
  ])('says what is wrong with %s', (label, message) => {
    expect(() => findPrice(rows, label, '2024-02-01')).toThrow(message);
  });

  it('says so in the order of the alphabet, or of the calendar, whatever that of the table', () => {
    const reversed = rows.toReversed();
    expect(() => findPrice(reversed, 'aws/a100/on-demand', '2025-01-01')).toThrow(
      'aws/a100-40gb/on-demand or aws/a100-80gb/on-demand',
    );
    expect(() => findPrice(reversed, 'gcp/t4/spot', '2020-01-01')).toThrow('its first price is from 2024-01-01');
  });

  it('names five near labels, no more', () => {
    let message = '';
    try {
      findPrice(rows, 'acme/b200/reserved', '2025-01-01');
    } catch (error) {
      message = messageOf(error).replace("'acme/b200/reserved'", '');
    }
    expect(message.match(/[a-z]+\/[a-z0-9-]+\/[a-z-]+/g)).toHaveLength(5);
  });
});

it('every label that the table is shown with finds a price', () => {
  const label = labelsIn(rows);
  const dated = rows.filter(({ date }) => date !== undefined);
  for (const row of dated) {
    expect(findPrice(rows, label(row), '2030-01-01')).toMatchObject({ gpu: row.gpu, gpuMemoryGb: row.gpuMemoryGb });
  }
});
