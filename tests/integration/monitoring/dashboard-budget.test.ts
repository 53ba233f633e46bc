/** What the cost dashboard says is spent of a budget: by Prometheus' own unit tests. */
import { expect } from 'vitest';
import { budgetSpent } from '../../../deploy/grafana/dashboards/cost.ts';
import { asked } from '../../support/dashboard-query.ts';
import { needs } from '../../support/machine-parts.ts';
import { failuresOf, inputSeries } from '../../support/promtool.ts';

interface Source {
  readonly instance: string;
  /** USD */
  readonly budget: string;
  /** USD */
  readonly left: string;
  readonly ended?: string;
}

const scraped = 'alpha:9464';
const pushed = 'alpha';

/** Budgets as the scrapes of 50 s saw them, and the fraction that is spent. */
const budgets: Readonly<Record<string, { readonly spent: number; readonly sources: readonly Source[] }>> = {
  // It has cost nothing so far, and its minimum is billed.
  'is of the bill': { spent: 0.6, sources: [{ instance: scraped, budget: '1x10', left: '1x3 0.4x6' }] },
  'of a run that ended': {
    spent: 0.75,
    sources: [{ instance: scraped, budget: '8x4 stale', left: '8-1.5x4 stale', ended: '_ _ _ _ 1 stale' }],
  },
  'of a run that was resumed with less': {
    spent: 0.5,
    sources: [{ instance: scraped, budget: '10x3 stale 4x5', left: '9x3 stale 2x5', ended: '_ _ _ 1 stale' }],
  },
  'of a run that pushed, and was resumed with more': {
    spent: 0.25,
    sources: [
      { instance: pushed, budget: '1x10', left: '0x10', ended: '1x10' },
      { instance: scraped, budget: '_ _ _ 10x7', left: '_ _ _ 7.5x7' },
    ],
  },
};

const { it } = await needs('prometheus');

it('is what the run counts as spent, of the budget that it has now', () => {
  const cost = (run: string) => `pennygrad_cost_usd_total{job="pennygrad", instance="${scraped}", run_id="${run}"}`;
  const input = Object.entries(budgets).flatMap(([run, { sources }]) => [
    inputSeries(cost(run), '0x10'),
    ...sources.flatMap(({ instance, budget, left, ended }) => {
      const labels = `job="pennygrad", instance="${instance}", run_id="${run}"`;
      const ending = `pennygrad_run_ended{${labels}, status="interrupted", code="budget-reached"}`;
      return [
        inputSeries(`pennygrad_budget_usd{${labels}}`, budget),
        inputSeries(`pennygrad_budget_remaining_usd{${labels}}`, left),
        ...(ended === undefined ? [] : [inputSeries(ending, ended)]),
      ];
    }),
  ]);
  const expected = Object.entries(budgets).map(([run, { spent }]) => ({ labels: `{run_id="${run}"}`, value: spent }));
  const query = { expr: asked(budgetSpent, '5s', 'pennygrad'), eval_time: '50s', exp_samples: expected };
  expect(failuresOf(input, [query])).toBeUndefined();
});
