import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type MetricsServer, startMetricsServer } from '../../../../src/coordinator/metrics/endpoint/metrics-server.ts';
import { createScrapeWatch, type ScrapeWatch } from '../../../../src/coordinator/metrics/endpoint/scrape-watch.ts';
import { idleStream } from '../../../support/live-run.ts';
import { observeShortRun } from '../../../support/observed-run.ts';
import { createVirtualTime, type VirtualTime } from '../../../support/virtual-time.ts';

let seconds = 0;
let time: VirtualTime;
let server: MetricsServer;
let watch: ScrapeWatch;
let ending: AbortController;
let announced: number[];

beforeEach(async () => {
  seconds = 0;
  announced = [];
  ending = new AbortController();
  time = createVirtualTime();
  watch = createScrapeWatch({ now: () => seconds }, time.timers);
  server = await startMetricsServer({
    port: 0,
    host: '127.0.0.1',
    metrics: observeShortRun(),
    live: idleStream(),
    onScrape: watch.observe,
  });
});
afterEach(() => server.close());

async function scrape(at: number, reader = 'prometheus', path = '/metrics', method = 'GET'): Promise<void> {
  seconds = at;
  await (await fetch(new URL(path, server.url), { method, headers: { 'user-agent': reader } })).text();
}

/** Says when the wait is over. */
function wait(limitSeconds = 60): { readonly over: Promise<void>; readonly isOver: () => boolean } {
  let isOver = false;
  const over = watch
    .waitForLast(limitSeconds, ending.signal, (at) => announced.push(at))
    .then(() => {
      isOver = true;
    });
  return { over, isOver: () => isOver };
}

describe('the wait for the last scrape', () => {
  test('is none where nobody scrapes', async () => {
    await scrape(0, 'prometheus', '/healthz');
    await scrape(1, 'prometheus', '/healthz');
    await scrape(1, 'prometheus', '/metrics', 'HEAD');
    await scrape(2, 'prometheus', '/metrics', 'HEAD');
    await wait().over;
    expect(announced).toEqual([]);
  });

  test('ends when everybody who comes regularly has been answered, and nobody else', async () => {
    for (const at of [0, 10]) await scrape(at, 'prometheus');
    for (const at of [5, 14]) await scrape(at, 'agent');
    seconds = 15;
    const { over, isOver } = wait();
    expect(announced).toEqual([12.5]);
    await scrape(16, 'curl');
    await scrape(20, 'prometheus');
    await scrape(21, 'prometheus');
    expect(isOver()).toBe(false);
    await scrape(22, 'agent');
    await over;
  });

  test('ends by itself when nobody comes', async () => {
    for (const at of [0, 10]) await scrape(at);
    seconds = 15;
    const { over, isOver } = wait();
    expect(announced).toEqual([10]);
    await time.advanceAsync(9_999);
    expect(isOver()).toBe(false);
    time.advance(1);
    await over;
  });

  test('ends at once when it is told to', async () => {
    for (const at of [0, 30]) await scrape(at);
    const { over } = wait();
    ending.abort();
    await over;
    expect(announced).toEqual([45]);
  });

  test('after an interruption is for those who come within 15 seconds', async () => {
    for (const at of [0, 20]) await scrape(at, 'agent');
    for (const at of [12, 24]) await scrape(at, 'prometheus');
    ending.abort();
    const { over } = wait();
    expect(announced).toEqual([15]);
    await scrape(36, 'prometheus');
    await over;
  });

  test('is none after an interruption if the next scrape is further away', async () => {
    for (const at of [0, 20]) await scrape(at);
    ending.abort();
    await wait().over;
    expect(announced).toEqual([]);
  });

  test('forgets strangers, the longest gone first', async () => {
    for (const at of [0, 10]) await scrape(at, 'the first');
    for (let stranger = 0; stranger < 16; stranger++) await scrape(10, `stranger ${stranger}`);
    await wait().over;
    expect(announced).toEqual([]);
  });
});
