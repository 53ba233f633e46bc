/** Metrics that are sent to a server with an IPv6 address. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Gauge, Registry } from 'prom-client';
import { afterEach, expect } from 'vitest';
import { pushMetrics } from '../../../../src/coordinator/metrics/endpoint/pushgateway.ts';
import { startOtlpExport } from '../../../../src/coordinator/metrics/otlp/otlp-export.ts';
import { systemClock } from '../../../../src/shared/core/clock.ts';
import { needs } from '../../../support/machine-parts.ts';

const withIpv6 = await needs('ipv6');
let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** A server on ::1 that takes everything. @returns its URL, and the paths that were asked for */
async function listen() {
  const paths: string[] = [];
  const listening = createServer((request, response) => {
    paths.push(request.url ?? '');
    request.resume().on('end', () => response.end());
  });
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, '::1', resolve));
  return { url: `http://[::1]:${(listening.address() as AddressInfo).port}`, paths };
}

function registry(): Registry {
  const registers = new Registry();
  new Gauge({ name: 'pennygrad_test', help: 'a test', registers: [registers] }).set(1);
  return registers;
}

withIpv6.it('reach a Pushgateway', async () => {
  const { url, paths } = await listen();
  expect(await pushMetrics({ url, instance: 'here', runId: 'r1' }, registry())).toBeUndefined();
  expect(paths).toEqual(['/metrics/job/pennygrad/instance/here/run_id/r1']);
});

withIpv6.it('reach an OTLP receiver', async () => {
  const { url, paths } = await listen();
  const warnings: string[] = [];
  const exporting = await startOtlpExport({
    target: { url: `${url}/v1/metrics`, namedBy: '--otlp', intervalMs: 60_000, timeoutMs: 5000 },
    registry: registry(),
    run: {
      run_id: 'r1',
      version: '1',
      dataset: 'mnist',
      model: 'cnn',
      optimizer: 'adam',
      global_batch_size: '64',
      seed: '1',
    },
    clock: systemClock,
    warn: (line) => warnings.push(line),
  });
  await exporting.close();
  expect(warnings).toEqual([]);
  expect(paths).toEqual(['/v1/metrics']);
});
