/** OpenTelemetry's exporter, and a receiver that decodes what it sends by the published definition of the protocol. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { runInfoOf } from '../../../../../src/coordinator/metrics/collectors/run-metrics.ts';
import { startOtlpExport } from '../../../../../src/coordinator/metrics/otlp/otlp-export.ts';
import { observedRun, observeShortRun, startedAtUnixMs, stepEvent } from '../../../../support/observed-run.ts';
import { type OtlpReceiver, samplesOf, startOtlpReceiver } from '../../../../support/otlp-receiver.ts';
import { parseSamples, sortedLabels, withoutRun } from '../../../../support/scrape.ts';

const opened: { close(): Promise<void> }[] = [];
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
});
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
  vi.useRealTimers();
});

async function receive(answer?: number | 'silence'): Promise<OtlpReceiver> {
  const receiver = await startOtlpReceiver(answer);
  opened.push(receiver);
  return receiver;
}

function exportTo(url: string, timeoutMs = 5000) {
  const warnings: string[] = [];
  const metrics = observeShortRun();
  const exporting = startOtlpExport({
    target: { url, namedBy: '--otlp', intervalMs: 60_000, timeoutMs },
    registry: metrics.application,
    run: runInfoOf(observedRun),
    clock: { unixMs: () => startedAtUnixMs },
    warn: (line) => warnings.push(line),
  });
  opened.push(exporting);
  return { ...exporting, warnings, metrics };
}

/** Lets intervals pass until so many exports have been made. One that passes while an export is under way brings none. */
async function passIntervals(receiver: OtlpReceiver, exports: number): Promise<void> {
  while (receiver.requests() < exports) {
    vi.advanceTimersByTime(60_000);
    await new Promise(setImmediate);
  }
}
describe('an export', () => {
  it('is, when the run ends, every sample that /metrics has, and says whose they are', async () => {
    const receiver = await receive();
    const { close, warnings, metrics } = exportTo(`${receiver.url}/v1/metrics`);
    await Promise.all([close(), close()]);
    expect(warnings).toEqual([]);
    expect(receiver.received).toHaveLength(1);
    const [last] = receiver.received;
    expect(last?.path).toBe('/v1/metrics');
    expect(last?.headers['content-type']).toBe('application/x-protobuf');
    const text = sortedLabels(parseSamples(await metrics.application.metrics()));
    expect(text.size).toBeGreaterThan(100);
    expect(new Map([...samplesOf(last?.metrics ?? [])].sort())).toEqual(new Map([...text].sort()));
    expect(last?.resource).toMatchObject({
      'service.name': 'pennygrad',
      'service.version': '0.1.0',
      'service.instance.id': 'r1',
      'pennygrad.dataset': 'mnist',
      'pennygrad.model': 'cnn',
      'pennygrad.optimizer': 'adam',
      'pennygrad.global_batch_size': '64',
      'pennygrad.seed': '1',
      'telemetry.sdk.name': 'opentelemetry',
    });
    const cost = last?.metrics.find(({ name }) => name === 'pennygrad_cost_usd_total');
    expect(cost?.sum).toMatchObject({
      isMonotonic: true,
      aggregationTemporality: 'AGGREGATION_TEMPORALITY_CUMULATIVE',
    });
    expect(cost?.sum?.dataPoints[0]).toMatchObject({
      startTimeUnixNano: `${startedAtUnixMs}000000`,
      timeUnixNano: `${startedAtUnixMs}000000`,
    });
  });

  it('is made at intervals while the run lasts', async () => {
    const receiver = await receive();
    const { close, metrics } = exportTo(receiver.url);
    await passIntervals(receiver, 1);
    metrics.observe(stepEvent(2, { correct: 32 }));
    await passIntervals(receiver, 2);
    metrics.observe(stepEvent(3, { correct: 16 }));
    await close();
    const accuracies = receiver.received.map(({ metrics: all }) =>
      withoutRun(samplesOf(all)).get('pennygrad_accuracy_ratio{split="train"}'),
    );
    expect(accuracies).toEqual([0.75, 0.5, 0.25]);
  });
});

describe('a receiver', () => {
  it('that refuses is a warning which says how it answered', async () => {
    const { close, warnings } = exportTo((await receive(404)).url);
    await close();
    expect(warnings).toEqual([
      expect.stringMatching(/^--otlp: metrics could not be exported to .*: HTTP 404 Not Found; /),
    ]);
  });

  it('that answers nothing is given up, and a run that fails to reach it again and again says so twice', async () => {
    const receiver = await receive('silence');
    const { close, warnings } = exportTo(receiver.url, 100);
    await passIntervals(receiver, 3);
    await close();
    expect(warnings).toEqual([
      expect.stringMatching(/^--otlp: metrics could not be exported to .*: Request timed out; /),
      expect.stringMatching(/^--otlp: (\d+) of \1 exports to .* failed, including the last/),
    ]);
  });

  it('does not hold up the end of a run that finds an export still under way', async () => {
    const receiver = await receive('silence');
    const { close, warnings } = exportTo(receiver.url, 100);
    await passIntervals(receiver, 1);
    await close();
    expect(warnings).toEqual([
      expect.stringMatching(/^--otlp: metrics could not be exported to .*: Request timed out; /),
      expect.stringMatching(/^--otlp: (\d+) of \1 exports to .* failed, including the last/),
    ]);
  });
});
