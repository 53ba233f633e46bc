import { spawnSync } from 'node:child_process';
import { expect } from 'vitest';
import { startMetricsServer } from '../../src/coordinator/metrics/endpoint/metrics-server.ts';
import { createMetrics } from '../../src/coordinator/metrics/metrics.ts';
import { idleStream } from '../support/live-run.ts';
import { needs } from '../support/machine-parts.ts';
import { observedRun, observeShortRun } from '../support/observed-run.ts';

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
