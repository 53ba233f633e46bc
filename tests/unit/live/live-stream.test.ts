/** The stream and its page files, over real HTTP. */
import { once } from 'node:events';
import { get } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { beginLive } from '../../../src/coordinator/live/live-record.ts';
import { createLiveStream, type LiveStream } from '../../../src/coordinator/live/live-stream.ts';
import { observeLive } from '../../../src/coordinator/live/observe-live.ts';
import { type MetricsServer, startMetricsServer } from '../../../src/coordinator/metrics/endpoint/metrics-server.ts';
import { createMetrics } from '../../../src/coordinator/metrics/metrics.ts';
import { systemClock } from '../../../src/shared/core/clock.ts';
import { systemTimers } from '../../../src/shared/core/timers.ts';
import { applyChanges } from '../../../src/shared/protocol/live/live-changes.ts';
import type { LiveState } from '../../../src/shared/protocol/live/live-state.ts';
import { livePlan } from '../../support/live-run.ts';
import { member, observedRun, startedAtUnixMs, stepEvent } from '../../support/observed-run.ts';
import { createVirtualTime } from '../../support/virtual-time.ts';

const host = '127.0.0.1';
const servers: MetricsServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function serve() {
  const live = observeLive(livePlan, { now: () => 0, unixMs: () => startedAtUnixMs }, systemTimers);
  const server = await startMetricsServer({ port: 0, host, metrics: createMetrics(observedRun), live: live.stream });
  servers.push(server);
  return { live, server, url: `http://${host}:${server.port}` };
}

/** Server-sent events, as they come, and the state that they make; undefined at the end of the stream. */
async function listen(url: string) {
  const response = await fetch(`${url}/events`);
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  let state: LiveState | undefined;
  async function next(): Promise<{ readonly event: string; readonly state: LiveState | undefined } | undefined> {
    const end = text.indexOf('\n\n');
    if (end === -1) {
      const { value, done } = (await reader?.read()) ?? { done: true };
      if (done) return undefined;
      text += value;
      return next();
    }
    const fields = new Map(
      text
        .slice(0, end)
        .split('\n')
        .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
    );
    text = text.slice(end + 2);
    const event = fields.get('event') ?? '';
    const data = JSON.parse(fields.get('data') ?? 'null');
    if (event === 'state') state = data;
    if (event === 'changes' && state !== undefined) state = applyChanges(state, data);
    return { event, state };
  }
  return { response, next, stop: () => reader?.cancel() };
}

describe('the stream of events', () => {
  test('begins with the state, goes on with what changes, and ends with the end of the run', async () => {
    const { live, server, url } = await serve();
    const stream = await listen(url);
    expect(stream.response.headers.get('content-type')).toBe('text/event-stream');
    expect(await stream.next()).toMatchObject({ event: 'state', state: { stage: { name: 'waiting' } } });
    live.observe({
      type: 'generation',
      number: 1,
      members: [member(0, 3.6), member(1)],
      parameterCount: 1,
      reason: 'ready',
    });
    live.observe(stepEvent(0));
    const second = await stream.next();
    expect(second).toMatchObject({ event: 'changes', state: { stage: { name: 'training' }, progress: { step: 1 } } });
    expect(second?.state?.curve.points).toHaveLength(1);
    live.end({ status: 'failed', reason: 'w1 is gone' });
    await server.close();
    const last = { stage: { name: 'failed', reason: 'w1 is gone' } };
    expect(await stream.next()).toMatchObject({ event: 'changes', state: last });
    expect(await stream.next()).toBeUndefined();
  });

  test('is for a few: one more is told so, until one leaves', async () => {
    const { url } = await serve();
    const streams = await Promise.all(Array.from({ length: 8 }, () => listen(url)));
    expect(streams.map(({ response }) => response.status)).toEqual(Array(8).fill(200));
    const refused = await fetch(`${url}/events`);
    expect([refused.status, await refused.text()]).toEqual([
      503,
      expect.stringContaining('8 pages are already watching'),
    ]);
    await streams[0]?.stop();
    await expect.poll(async () => (await listen(url)).response.status).toBe(200);
  });

  test('a reader that reads nothing delays neither the others nor the end', async () => {
    const { live, server, url } = await serve();
    const deaf = connect(server.port, host);
    await new Promise<void>((resolve) => deaf.once('connect', resolve));
    deaf.pause();
    deaf.write('GET /events HTTP/1.1\r\nHost: x\r\n\r\n');
    const stream = await listen(url);
    expect((await stream.next())?.event).toBe('state');
    // More than the buffers of a socket hold, were all of it sent.
    for (let step = 0; step < 6_000; step++) {
      live.observe({ type: 'worker-refused', workerId: `x${step}`, reason: 'y'.repeat(300) });
      live.observe(stepEvent(step));
    }
    expect((await stream.next())?.state?.progress.step).toBe(6_000);
    live.end({ status: 'completed' });
    await server.close();
    expect((await stream.next())?.state?.stage.name).toBe('completed');
    deaf.destroy();
  });

  test('a reader that reads nothing is dropped after a while, and the timer with the last of them', async () => {
    const time = createVirtualTime();
    let reads = 0;
    const { state } = beginLive(livePlan);
    // Every state differs from the last one, and soon fills the buffers of a socket.
    const read = () => ({ ...state, run: { ...state.run, version: `${reads++}`.padEnd(1_000_000) } });
    const stream = createLiveStream(read, time.clock, time.timers, {
      updateMs: 5,
      heartbeatMs: 5,
      patienceMs: 50,
      farewellMs: 50,
    });
    let [connected, dropped] = [() => {}, false];
    const connection = new Promise<void>((resolve) => {
      connected = resolve;
    });
    const live: LiveStream = {
      ...stream,
      connect(response) {
        stream.connect(response);
        response.once('close', () => {
          dropped = true;
        });
        connected();
      },
    };
    const server = await startMetricsServer({ port: 0, host, metrics: createMetrics(observedRun), live });
    servers.push(server);
    const deaf = connect(server.port, host);
    await new Promise<void>((resolve) => deaf.once('connect', resolve));
    deaf.pause();
    deaf.write('GET /events HTTP/1.1\r\nHost: x\r\n\r\n');
    await connection;
    expect(time.pending()).toBe(1);
    while (!dropped) {
      time.advance(20);
      // What was written goes on its way.
      await new Promise(setImmediate);
    }
    expect(time.pending()).toBe(0);
    deaf.destroy();
  });

  test('says that it is there when nothing changes', async () => {
    const { state } = beginLive(livePlan);
    const live = createLiveStream(() => state, systemClock, systemTimers, {
      updateMs: 5,
      heartbeatMs: 5,
      patienceMs: 1_000,
      farewellMs: 50,
    });
    const server = await startMetricsServer({ port: 0, host, metrics: createMetrics(observedRun), live });
    servers.push(server);
    const listener = await listen(`http://${host}:${server.port}`);
    expect((await listener.next())?.event).toBe('state');
    expect((await listener.next())?.event).toBe('heartbeat');
  });
});

describe('the page', () => {
  test('asks for nothing from elsewhere, and says that it must not', async () => {
    const { url } = await serve();
    const response = await fetch(url);
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(response.headers.get('content-security-policy')).toMatch(/^default-src 'self';/);
    const urls = [...(await response.text()).matchAll(/(?:src|href)="([^"]*)"/g)].map(([, target]) => target);
    expect(urls.length).toBeGreaterThan(3);
    for (const target of urls) expect(target).toMatch(/^[/#][^/]/);
  });

  test('and its stream are not for a site whose name leads here', async () => {
    const { port } = new URL((await serve()).url);
    const statusOf = async (path: string, host: string) => {
      const [response] = await once(get({ port, path, headers: { host } }), 'response');
      response.destroy();
      return response.statusCode;
    };
    for (const path of ['/', '/events', '/page.css']) {
      expect(await statusOf(path, 'evil.example'), path).toBe(403);
      expect(await statusOf(path, `localhost:${port}`), path).not.toBe(403);
    }
    // Prometheus may know this machine by any name.
    expect(await statusOf('/metrics', 'trainer.cluster.example')).toBe(200);
    expect(await statusOf('/healthz', 'trainer.cluster.example')).toBe(200);
  });

  test('has no other files than its own', async () => {
    const { url } = await serve();
    for (const path of ['/live-page/tsconfig.json', '/live-page/..%2f..%2fpackage.json', '/cli/main.js', '//']) {
      expect((await fetch(url + path)).status, path).toBe(404);
    }
    expect((await fetch(url, { method: 'HEAD' })).status).toBe(200);
    expect((await fetch(`${url}/events`, { method: 'POST' })).status).toBe(405);
  });
});
