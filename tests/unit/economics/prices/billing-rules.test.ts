import { describe, expect, it } from 'vitest';
import { billingRules, rentalRule, unknownBilling } from '../../../../src/economics/prices/billing-rules.ts';
import { isDay } from '../../../../src/economics/prices/price-date.ts';

describe('the rule of a worker', () => {
  it.each([
    ['aws/a100/on-demand', 'AWS', 1, 60],
    ['GCP/T4/spot', 'GCP', 1, 60],
    ['lambda/h100/on-demand', 'Lambda', 60, 60],
    ['runpod/h100/spot', 'RunPod', 1, 0],
    ['vast/rtx4090/on-demand', 'Vast', 1, 0],
  ])(
    'labelled %s is that of %s: by units of %d s, %d s at least',
    (label, provider, granularitySeconds, minimumSeconds) => {
      expect(rentalRule(label)).toMatchObject({ provider, granularitySeconds, minimumSeconds });
    },
  );

  it.each(['acme/t4/spot', 't4', undefined])('labelled %s is not known', (label) => {
    expect(rentalRule(label)).toBeUndefined();
  });
});

it('every rule says when it was read and where it is stated', () => {
  expect(billingRules).toHaveLength(6);
  for (const { date, source } of billingRules) {
    expect(isDay(date)).toBe(true);
    expect(source).toMatch(/^[a-z.]+\.[a-z]+\/[a-z]/);
  }
});

it('where no rule is known nothing is billed beyond the second that was begun', () => {
  expect(unknownBilling).toEqual({ granularitySeconds: 1, minimumSeconds: 0 });
});
