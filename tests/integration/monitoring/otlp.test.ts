/** Real runs, and a receiver that knows OTLP from its published definition. */
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { writeIdxFolder } from '../../support/idx-folder.ts';
import { type OtlpReceiver, samplesOf, startOtlpReceiver } from '../../support/otlp-receiver.ts';
import { killAll, run } from '../../support/pennygrad.ts';
import { readSummary } from '../../support/run-folder.ts';
import { withoutRun } from '../../support/scrape.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

let receiver: OtlpReceiver;
const small = () => ['--dataset', writeIdxFolder(200, 50), '--model', 'softmax', '--epochs', '1'];
const train = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  run(['train', '--metrics-port', '0', ...args], { env });

beforeAll(async () => {
  receiver = await startOtlpReceiver();
});
afterEach(killAll);
afterAll(() => receiver.close());

it('the last export of a run is its summary', async () => {
  const out = join(temporaryFolder(), 'run');
  const { code, stdout, stderr } = await train([...small(), '--price', '0.36', '--out', out, '--otlp', receiver.url], {
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1',
    OTEL_EXPORTER_OTLP_HEADERS: 'x-key=of-the-receiver',
    OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
    OTEL_RESOURCE_ATTRIBUTES: 'team=vision',
  });
  expect(stderr).toBe('');
  expect(code).toBe(0);
  expect(stdout).toContain(`metrics are exported to ${receiver.url}/v1/metrics (--otlp)`);
  const summary = readSummary(out);
  const last = receiver.received.at(-1);
  expect(last?.path).toBe('/v1/metrics');
  expect(last?.headers).toMatchObject({ 'x-key': 'of-the-receiver', 'content-encoding': 'gzip' });
  expect(last?.resource).toMatchObject({
    'service.name': 'pennygrad',
    'service.instance.id': summary.run_id,
    team: 'vision',
  });
  const samples = withoutRun(samplesOf(last?.metrics ?? []));
  const costs = [...samples].filter(([series]) => series.startsWith('pennygrad_cost_usd_total{'));
  expect(summary.cost_usd_total).toBeGreaterThan(0);
  expect(costs.reduce((sum, [, usd]) => sum + usd, 0)).toBeCloseTo(summary.cost_usd_total ?? Number.NaN, 12);
  expect(samples.get('pennygrad_steps_total')).toBe(summary.steps);
  expect(samples.get('pennygrad_step_duration_seconds_count')).toBe(summary.steps);
  expect(samples.get('pennygrad_samples_total')).toBe(200);
  expect(samples.get('pennygrad_accuracy_ratio{split="test"}')).toBe(summary.test_accuracy);
  expect(samples.get('pennygrad_run_ended{status="completed"}')).toBe(1);
});

it('a receiver that is not there takes nothing from the run but one warning', async () => {
  const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1', OTEL_EXPORTER_OTLP_TIMEOUT: '1000' };
  const { code, stdout, stderr } = await train([...small(), '--workers', '1'], environment);
  expect(code).toBe(0);
  expect(stdout).toMatch(/test accuracy/);
  expect(stderr).toMatch(
    /^pennygrad: warning: OTEL_EXPORTER_OTLP_ENDPOINT: metrics could not be exported to http:\/\/127\.0\.0\.1:1\/v1\/metrics: .*ECONNREFUSED.*\n$/,
  );
});

it('nor does one that takes everything and never answers', async () => {
  const silent = await startOtlpReceiver('silence');
  try {
    const args = [...small(), '--workers', '1', '--otlp', silent.url];
    const { code, stderr } = await train(args, { OTEL_EXPORTER_OTLP_TIMEOUT: '1000' });
    expect(code).toBe(0);
    expect(stderr).toMatch(/^pennygrad: warning: --otlp: metrics could not be exported to .*: Request timed out.*\n$/);
    expect(silent.requests()).toBe(1);
  } finally {
    await silent.close();
  }
});

it('an address that is none is bad input', async () => {
  const { code, stderr } = await train([...small(), '--otlp', 'localhost:4318']);
  expect(code).toBe(2);
  expect(stderr).toBe("pennygrad: --otlp must be an http(s) URL, got 'localhost:4318'\n");
});
