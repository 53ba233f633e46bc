/** Prometheus' own tool reads what deploy/prometheus gives to Prometheus, and runs the unit tests of its rules. */
import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { needs } from '../../support/machine-parts.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const { it: test } = await needs('prometheus');

const folder = fileURLToPath(new URL('../../../deploy/prometheus', import.meta.url));

function promtool(args: readonly string[], cwd = folder): { readonly status: number | null; readonly output: string } {
  const { status, stdout, stderr, error } = spawnSync('promtool', args, { cwd, encoding: 'utf8' });
  if (error !== undefined) throw error;
  return { status, output: stdout + stderr };
}

test('the scrape configuration is one, with its rules', () => {
  expect(promtool(['check', 'config', 'prometheus.yml'])).toMatchObject({
    status: 0,
    output: expect.stringContaining('2 rule files found'),
  });
  expect(promtool(['check', 'rules', '--lint-fatal', 'rules/recording.yml', 'rules/alerts.yml']).status).toBe(0);
});

test('the rules do what their tests say', () => {
  expect(promtool(['test', 'rules', 'tests/rules.test.yml'])).toMatchObject({ status: 0 });
});

test.each([
  ['a worker of 40 % more waiting is no straggler', 'alerts.yml', '> 0.2', '> 0.5'],
  ['each of two workers alike is a straggler', 'alerts.yml', '2 * run_id_worker:', '3 * run_id_worker:'],
  ['a worker that is lost is none', 'alerts.yml', '(pennygrad_worker_up[10m]) == 0', '(pennygrad_worker_up[10m]) == 2'],
  ['what is pushed alerts for ever', 'alerts.yml', ' unless (pennygrad_worker_up offset 10m == 0)', ''],
  [
    'a run that anybody interrupts has reached its budget',
    'alerts.yml',
    'code="budget-reached"',
    'status="interrupted"',
  ],
  ['costs are counted for all runs together', 'recording.yml', 'sum by (run_id) (max', 'sum (max'],
])('and the tests notice rules in which %s', (_, file, before, after) => {
  const copy = join(temporaryFolder(), 'prometheus');
  cpSync(folder, copy, { recursive: true });
  const rules = join(copy, 'rules', file);
  const text = readFileSync(rules, 'utf8');
  expect(text).toContain(before);
  writeFileSync(rules, text.replace(before, after));
  expect(promtool(['test', 'rules', 'tests/rules.test.yml'], copy).status).not.toBe(0);
});
