import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { startMetricsServer } from '../../../src/coordinator/metrics/endpoint/metrics-server.ts';
import { createMetrics } from '../../../src/coordinator/metrics/metrics.ts';
import { bucketsIn, histogramQuantile } from '../../support/histogram-quantile.ts';
import { idleStream } from '../../support/live-run.ts';
import { needs } from '../../support/machine-parts.ts';
import { observedRun, observeRun, observeShortRun, stepEvent } from '../../support/observed-run.ts';
import { parseSamples, withoutRun } from '../../support/scrape.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

/** What Prometheus' own linter says of an exposition. */
function checkMetrics(exposition: string): { readonly status: number | null; readonly output: string } {
  const { status, stdout, stderr, error } = spawnSync('promtool', ['check', 'metrics'], {
    input: exposition,
    encoding: 'utf8',
  });
  if (error !== undefined) throw error;
  return { status, output: stdout + stderr };
}

const { it: test } = await needs('prometheus');

const clean = { status: 0, output: '' };

test('promtool finds nothing to say of the application metrics, before a run and after', async () => {
  expect(checkMetrics(await createMetrics(observedRun).application.metrics())).toEqual(clean);
  expect(checkMetrics(await observeShortRun().application.metrics())).toEqual(clean);
});

test('promtool can read all that is scraped: the process metrics break some of its rules, but not the format', async () => {
  const server = await startMetricsServer({
    port: 0,
    host: '127.0.0.1',
    metrics: observeShortRun(),
    live: idleStream(),
  });
  try {
    const exposition = await (await fetch(`http://127.0.0.1:${server.port}/metrics`)).text();
    const { output } = checkMetrics(exposition);
    expect(output).not.toContain('error while linting');
    expect(output).not.toContain('pennygrad_');
  } finally {
    await server.close();
  }
});

test('promtool does find what is wrong', () => {
  expect(checkMetrics('# TYPE pennygrad_steps counter\npennygrad_steps 1\n').status).not.toBe(0);
});

test("histogram_quantile sees a step that becomes 10 % longer, as the unit tests' formula says", async () => {
  const name = 'pennygrad_step_duration_seconds';
  // The step of the default run; with it a scrape of every test is one of Prometheus' own.
  const scrapes = await Promise.all(
    [0.0075, 0.00825, 0.0042, 9].map(async (seconds) => {
      const { metrics, observe } = observeRun();
      for (let step = 0; step < 10; step++) observe(stepEvent(step, { seconds: seconds * (1 + step / 1000) }));
      return bucketsIn(withoutRun(parseSamples(await metrics.application.metrics())), name);
    }),
  );
  const tests = scrapes.map((buckets) => ({
    input_series: [...buckets].map(([bound, count]) => ({
      series: `${name}_bucket{le="${bound === Number.POSITIVE_INFINITY ? '+Inf' : bound}"}`,
      values: String(count),
    })),
    promql_expr_test: [0.5, 0.95]
      .map((quantile) => ({
        expr: `histogram_quantile(${quantile}, ${name}_bucket) / ${histogramQuantile(quantile, buckets)} < bool 1.000001`,
        eval_time: '0m',
        exp_samples: [{ labels: '{}', value: 1 }],
      }))
      .concat(
        [0.5, 0.95].map((quantile) => ({
          expr: `histogram_quantile(${quantile}, ${name}_bucket) / ${histogramQuantile(quantile, buckets)} > bool 0.999999`,
          eval_time: '0m',
          exp_samples: [{ labels: '{}', value: 1 }],
        })),
      ),
  }));
  const file = join(temporaryFolder(), 'quantiles.test.yml');
  writeFileSync(file, JSON.stringify({ tests }));
  const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', file], { encoding: 'utf8' });
  expect({ status, stderr }, stdout).toEqual({ status: 0, stderr: '' });
  const [before = 0, after = 0] = scrapes.map((buckets) => histogramQuantile(0.5, buckets));
  expect(after / before).toBeGreaterThan(1.05);
});
