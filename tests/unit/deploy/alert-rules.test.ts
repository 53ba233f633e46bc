import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { knownSeriesNames, seriesNamesIn } from '../../support/known-metrics.ts';

const folder = fileURLToPath(new URL('../../../deploy/prometheus/', import.meta.url));
const read = (name: string) => readFileSync(`${folder}${name}`, 'utf8');

interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

const rulesIn = (name: string) =>
  (parse(read(name)) as { groups: { rules: Rule[] }[] }).groups.flatMap(({ rules }) => rules);
const alerts = rulesIn('rules/alerts.yml');
const recorded = rulesIn('rules/recording.yml');

const tests = (
  parse(read('tests/rules.test.yml')) as {
    tests: { alert_rule_test?: { alertname: string; exp_alerts?: unknown[] }[] }[];
  }
).tests.flatMap(({ alert_rule_test = [] }) => alert_rule_test);

describe('the alert rules', () => {
  it('are those that were promised', () => {
    expect(alerts.map(({ alert }) => alert).sort()).toEqual(
      [
        ...['WorkerDown', 'RunFailed', 'RunVanished', 'Stalled', 'Straggler', 'LossNotFinite', 'BudgetNear'],
        ...['CheckpointFailing'],
        ...['BudgetWillNotSuffice', 'BudgetReached', 'EfficiencyLow', 'DataStarved', 'PriceMissing'],
      ].sort(),
    );
  });

  it.each(alerts.map(({ alert = '', annotations }) => ({ alert, annotations })))(
    '$alert is tested to fire and to be silent, and has a section in the runbook',
    ({ alert, annotations }) => {
      const ofAlert = tests.filter(({ alertname }) => alertname === alert);
      expect(ofAlert.some(({ exp_alerts = [] }) => exp_alerts.length > 0)).toBe(true);
      expect(ofAlert.some(({ exp_alerts = [] }) => exp_alerts.length === 0)).toBe(true);
      expect(annotations?.runbook).toBe(`deploy/prometheus/runbook.md#${alert.toLowerCase()}`);
      expect(read('runbook.md')).toMatch(new RegExp(`^## ${alert}\n\\w.{80,}`, 'm'));
    },
  );

  it('ask for nothing that neither pennygrad nor a recording rule has', () => {
    const known = new Set([...knownSeriesNames(), ...recorded.map(({ record }) => record)]);
    const asked = [...alerts, ...recorded].flatMap(({ expr }) => [
      ...seriesNamesIn(expr),
      ...(expr.match(/\brun_id\w*:\w+:\w+/g) ?? []),
    ]);
    expect([...new Set(asked)].filter((name) => !known.has(name))).toEqual([]);
    expect(asked).toContain('run_id:pennygrad_budget_spent:ratio');
  });
});
