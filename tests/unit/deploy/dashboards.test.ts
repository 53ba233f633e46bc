import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, test } from 'vitest';
import { buildDashboard } from '../../../deploy/grafana/dashboards/build-dashboard.ts';
import { dashboards } from '../../../deploy/grafana/dashboards/dashboards.ts';
import { statusRow } from '../../../deploy/grafana/dashboards/run-status.ts';
import { knownSeriesNames, seriesNamesIn } from '../../support/known-metrics.ts';

const fileOf = (uid: string) => fileURLToPath(new URL(`../../../deploy/grafana/json/${uid}.json`, import.meta.url));
const panels = dashboards.flatMap(({ title, rows }) =>
  rows.flatMap((row) =>
    row.panels.map((panel) => ({ ...panel, ofOneRun: row.ofOneRun === true, name: `${title}: ${panel.title}` })),
  ),
);
const expressions = panels.flatMap(({ name, sumOfRuns, queries }) =>
  queries.map(({ expr, legend }, index) => ({ name: `${name} ${index}`, sumOfRuns: sumOfRuns === true, expr, legend })),
);
const labelsIn = (list: string) => list.split(',').map((label) => label.trim());

// `npm run dashboards` runs this very test with --update, which writes the files.
test.each(dashboards.map((spec) => ({ uid: spec.uid, spec })))('$uid in JSON is up to date', async ({ uid, spec }) => {
  await expect(`${JSON.stringify(buildDashboard(spec), null, 2)}\n`).toMatchFileSnapshot(fileOf(uid));
});

describe('the dashboards', () => {
  it('have addresses of their own', () => {
    expect(new Set(dashboards.map(({ uid }) => uid)).size).toBe(dashboards.length);
  });

  it.each(panels)('$name has a unit, a legend and a sentence', ({ unit, queries, description }) => {
    expect(unit).not.toBe('');
    expect(description).toMatch(/\w.*\.$/);
    for (const { legend } of queries) expect(legend).not.toBe('');
  });

  it('fill their rows to the right edge', () => {
    for (const { rows } of dashboards) {
      for (const { title, panels: inRow } of rows) {
        expect(inRow.reduce((sum, { width }) => sum + width, 0) % 24, title).toBe(0);
      }
    }
  });

  it('begin with the status of each run', () => {
    for (const { rows } of dashboards) expect(rows[0]).toBe(statusRow);
  });

  it('show every metric, but for those of what did not happen', () => {
    const asked = new Set(panels.flatMap(({ queries }) => queries.flatMap(({ expr }) => seriesNamesIn(expr))));
    const known = knownSeriesNames();
    expect([...asked].filter((name) => !known.has(name))).toEqual([]);
    const shown = (name: string) => asked.has(name) || asked.has(name.replace(/_(count|sum|bucket)$/, '_bucket'));
    const elsewhere =
      /_count$|frames_rejected|worker_run_info|budget_seconds|worker_steps_total|worker_straggler|evaluated_samples/;
    expect([...known].filter((name) => !shown(name) && !elsewhere.test(name))).toEqual([
      'pennygrad_step_phase_duration_seconds_bucket',
    ]);
  });
});

describe('every query of the dashboards', () => {
  const [, documented = ''] = readFileSync(
    fileURLToPath(new URL('../../../docs/observability.md', import.meta.url)),
    'utf8',
  ).split('\n## Cost, from Prometheus\n');
  const [costOfEach = '', spentWithin = '', perHour = ''] = [...documented.matchAll(/```promql\n([^`]*)```/g)].map(
    ([, query = '']) => query,
  );

  it.each(expressions)('$name asks for the runs chosen, and for nothing else', ({ expr }) => {
    const selectors = [...expr.matchAll(/\b(pennygrad_\w+|process_\w+)(\{[^}]*\})?/g)];
    expect(selectors.length).toBeGreaterThan(0);
    for (const [selector, , matchers] of selectors) expect(matchers, selector).toContain('run_id=~"$run_id"');
  });

  it.each(expressions)('$name keeps runs apart', ({ expr, sumOfRuns }) => {
    const kept = sumOfRuns ? expr.replace(/^sum\(/, '(') : expr;
    expect(kept !== expr).toBe(sumOfRuns);
    const aggregations = [
      ...kept.matchAll(
        /\b(sum|avg|min|max|count|group|stddev|stdvar|topk|bottomk|quantile|count_values)\b\s*(?:(by|without)\s*\(([^)]*)\))?/g,
      ),
    ];
    expect(aggregations.length).toBeGreaterThan(0);
    for (const [aggregation, , kind, labels = ''] of aggregations) {
      expect(kind, aggregation).toBe('by');
      expect(labelsIn(labels), aggregation).toContain('run_id');
    }
    expect(kept).not.toMatch(/\bignoring\b/);
    for (const [matching, labels = ''] of kept.matchAll(/\bon\s*\(([^)]*)\)/g)) {
      expect(labelsIn(labels), matching).toContain('run_id');
    }
  });

  it.each(expressions)(
    '$name names the run in its legend, and the worker if there is one',
    ({ expr, legend, sumOfRuns }) => {
      if (sumOfRuns) return;
      expect(legend).toContain('{{run_id}}');
      const [, outermost = ''] = expr.match(/\bby \(([^)]*)\)/) ?? [];
      for (const label of labelsIn(outermost)) if (label !== 'le') expect(legend).toContain(`{{${label}}}`);
    },
  );

  it.each(panels)('$name adds up runs only if its title says so', ({ title, sumOfRuns }) => {
    expect(/sum of all runs$/.test(title)).toBe(sumOfRuns === true);
  });

  it.each(panels)('$name stacks nothing but the parts of one run', ({ kind, ofOneRun }) => {
    expect(kind === 'areas').toBe(ofOneRun);
  });

  it('for what all runs spent, cost and burn is that of docs/observability.md, for the runs chosen', () => {
    const plain = (query: string) =>
      query
        .replaceAll(/\{[^}]*\}/g, '')
        .replaceAll(/ unless on \([^)]*\) pennygrad_run_ended/g, '')
        .replaceAll('$__range', '1d')
        .replaceAll(/\s/g, '');
    const asked = new Map(panels.map(({ title, queries: [{ expr }] }) => [title, plain(expr)]));
    expect(asked.get('Spent')).toBe(plain(costOfEach));
    expect(asked.get('Spent in the time shown, sum of all runs')).toBe(plain(spentWithin));
    expect(asked.get('Price an hour')).toBe(plain(perHour));
    expect(asked.get('USD an hour now, sum of all runs')).toBe(`sum(${plain(perHour)})`);
  });
});

describe('the JSON', () => {
  const json = dashboards.map((spec) => JSON.parse(JSON.stringify(buildDashboard(spec))));

  it('asks for a single time where a single value is shown, so that the last one of a dead run is not', () => {
    for (const { panels: built } of json) {
      for (const { type, targets = [] } of built) {
        for (const { instant, range } of targets)
          expect({ instant, range }).toEqual({ instant: type === 'stat', range: type !== 'stat' });
      }
    }
  });

  it('repeats the rows of one run for each run chosen', () => {
    const rows = json.flatMap(({ panels: built }) => built.filter(({ type }: { type: string }) => type === 'row'));
    expect(rows).toHaveLength(dashboards.flatMap((spec) => spec.rows).length);
    for (const { title, repeat } of rows) expect(repeat).toBe(title.includes('$run_id') ? 'run_id' : undefined);
  });

  it('says each status in words', () => {
    const [status] = json[0].panels.filter(({ title }: { title: string }) => title === 'Status');
    const { options } = status.fieldConfig.defaults.mappings[0];
    expect(Object.values(options).map((one) => (one as { text: string }).text)).toEqual([
      'starting',
      'training',
      'completed',
      'interrupted',
      'failed',
      'gone',
    ]);
  });
});
