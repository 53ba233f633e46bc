import { describe, expect, it } from 'vitest';
import { noPhaseSeconds } from '../../../src/shared/core/phases.ts';
import { serveOwnMetrics } from '../../../src/worker/metrics/own-endpoint.ts';
import { createOwnMetrics } from '../../../src/worker/metrics/own-metrics.ts';
import { parseSamples } from '../../support/scrape.ts';

const memory = { rss: 300, heapTotal: 60, heapUsed: 50, external: 120, arrayBuffers: 100 };
const observed = () => {
  const metrics = createOwnMetrics('w1', () => memory);
  metrics.joined({ runId: 'r1', engine: 'wasm', device: 'wasm, SIMD' });
  metrics.stepped(32, { ...noPhaseSeconds, compute: 0.5, apply: 0.125 });
  metrics.stepped(16, { ...noPhaseSeconds, compute: 0.75, apply: 0.25 });
  metrics.evaluated(1000);
  return metrics;
};

describe("a worker's own metrics", () => {
  it('follow its steps, under its name', async () => {
    const samples = parseSamples(await observed().application.metrics());
    expect(Object.fromEntries(samples)).toEqual({
      'pennygrad_worker_run_info{run_id="r1",engine="wasm",device="wasm, SIMD",worker="w1"}': 1,
      'pennygrad_worker_steps_total{worker="w1",run_id="r1"}': 2,
      'pennygrad_worker_samples_total{worker="w1",run_id="r1"}': 48,
      'pennygrad_worker_evaluated_samples_total{worker="w1",run_id="r1"}': 1000,
      'pennygrad_worker_phase_seconds_total{phase="load",worker="w1",run_id="r1"}': 0,
      'pennygrad_worker_phase_seconds_total{phase="compute",worker="w1",run_id="r1"}': 0.75,
      'pennygrad_worker_phase_seconds_total{phase="communicate",worker="w1",run_id="r1"}': 0,
      'pennygrad_worker_phase_seconds_total{phase="wait",worker="w1",run_id="r1"}': 0,
      'pennygrad_worker_phase_seconds_total{phase="apply",worker="w1",run_id="r1"}': 0.25,
      'pennygrad_worker_memory_bytes{kind="resident",worker="w1",run_id="r1"}': 300,
      'pennygrad_worker_memory_bytes{kind="heap",worker="w1",run_id="r1"}': 50,
      'pennygrad_worker_memory_bytes{kind="buffers",worker="w1",run_id="r1"}': 100,
    });
  });

  it('are served with those of its process, until closed, which may be twice', async () => {
    const endpoint = await serveOwnMetrics({ port: 0, host: '127.0.0.1' }, observed());
    try {
      const page = await (await fetch(endpoint.url)).text();
      expect(page).toContain('pennygrad_worker_steps_total{worker="w1",run_id="r1"} 2');
      expect(page).toMatch(/^process_resident_memory_bytes{worker="w1",run_id="r1"} \d+/m);
      expect((await fetch(endpoint.url.replace('/metrics', '/'))).status).toBe(404);
    } finally {
      await Promise.all([endpoint.close(), endpoint.close()]);
    }
    await expect(fetch(endpoint.url)).rejects.toThrow();
  });

  it('name the flag when the port is taken', async () => {
    const first = await serveOwnMetrics({ port: 0, host: '127.0.0.1' }, observed());
    const port = Number(new URL(first.url).port);
    try {
      await expect(serveOwnMetrics({ port, host: '127.0.0.1' }, observed())).rejects.toMatchObject({
        code: 'bad-input',
        message: expect.stringMatching(
          `^--worker-metrics ${port}: cannot listen on 127.0.0.1: .*EADDRINUSE.*; choose another port`,
        ),
      });
    } finally {
      await first.close();
    }
  });
});
