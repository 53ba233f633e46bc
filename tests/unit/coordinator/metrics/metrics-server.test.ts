import { Agent, createServer, get } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import {
  defaultMetricsPort,
  type MetricsServer,
  startMetricsServer,
} from '../../../../src/coordinator/metrics/endpoint/metrics-server.ts';
import { idleStream } from '../../../support/live-run.ts';
import { observeShortRun } from '../../../support/observed-run.ts';
import { parseSamples, withoutRun } from '../../../support/scrape.ts';

const host = '127.0.0.1';
const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const server of opened.splice(0)) await server.close();
});

async function start(port: number | undefined, on = host): Promise<MetricsServer> {
  const server = await startMetricsServer({ port, host: on, metrics: observeShortRun(), live: idleStream() });
  opened.push(server);
  return server;
}

/** Sees to it that the port is taken: by this process, unless another program already has it. */
function occupy(port: number): Promise<void> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve());
    server.listen(port, host, () => {
      opened.push(server);
      resolve();
    });
  });
}

describe('the metrics server', () => {
  test('serves both registries in the text format that Prometheus reads', async () => {
    const { port } = await start(0);
    const response = await fetch(`http://${host}:${port}/metrics`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const samples = withoutRun(parseSamples(await response.text()));
    expect(samples.get('pennygrad_steps_total')).toBe(2);
    expect(samples.get('process_cpu_seconds_total')).toBeGreaterThan(0);
  });

  test('tells its health in JSON', async () => {
    const { port } = await start(0);
    const response = await fetch(`http://${host}:${port}/healthz`);
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(await response.json()).toEqual({ status: 'training', run_id: 'r1', epoch: 1, step: 2, world_size: 2 });
  });

  test('says where it can be opened, also when it listens on every address', async () => {
    const one = await start(0);
    expect(one.url).toBe(`http://127.0.0.1:${one.port}/metrics`);
    const all = await start(0, '0.0.0.0');
    expect(all.url).toBe(`http://localhost:${all.port}/metrics`);
    expect((await fetch(all.url)).status).toBe(200);
  });

  test('knows nothing else, and takes nothing', async () => {
    const { port } = await start(0);
    expect((await fetch(`http://${host}:${port}/nothing`)).status).toBe(404);
    expect((await fetch(`http://${host}:${port}/metrics?name=x`)).status).toBe(200);
    expect((await fetch(`http://${host}:${port}/metrics`, { method: 'POST', body: 'x' })).status).toBe(405);
    const head = await fetch(`http://${host}:${port}/metrics`, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
  });

  test('a taken port that was asked for is an error that names it', async () => {
    const { port } = await start(0);
    await expect(start(port)).rejects.toMatchObject({
      code: 'bad-input',
      message: `--metrics-port ${port}: already in use on ${host}; choose another port, or 0 for any that is free`,
    });
  });

  test('a taken default port is a warning that names the alternative', async () => {
    await occupy(defaultMetricsPort);
    const server = await start(undefined);
    expect(server.port).not.toBe(defaultMetricsPort);
    expect(server.warning).toContain(`port ${defaultMetricsPort} is in use, metrics are at port ${server.port}`);
    expect((await fetch(`http://${host}:${server.port}/healthz`)).status).toBe(200);
  });

  test('a host that is not of this machine is an error that names it', async () => {
    // TEST-NET-1 of RFC 5737 belongs to no machine.
    const options = { port: 0, host: '192.0.2.1', metrics: observeShortRun(), live: idleStream() };
    await expect(startMetricsServer(options)).rejects.toMatchObject({
      code: 'bad-input',
      message: expect.stringContaining('--metrics-host 192.0.2.1: not an address of this machine'),
    });
  });

  test('closes at once though a client keeps its connection, twice, and frees the port', async () => {
    const server = await start(0);
    const agent = new Agent({ keepAlive: true });
    await new Promise<void>((resolve, reject) => {
      get({ host, port: server.port, path: '/healthz', agent }, (response) => {
        response.resume().once('end', resolve);
      }).once('error', reject);
    });
    await Promise.all([server.close(), server.close()]);
    await server.close();
    agent.destroy();
    const again = await start(server.port);
    expect(again.warning).toBeUndefined();
  });
});
