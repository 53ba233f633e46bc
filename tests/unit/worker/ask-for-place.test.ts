/** A worker at the door of a run, in virtual time; the test plays the coordinator. */
import { describe, expect, it } from 'vitest';
import { createAsyncQueue } from '../../../src/shared/core/async-queue.ts';
import type { Body, WorkerMessage } from '../../../src/shared/protocol/messages.ts';
import { askForPlace, decideAfterRefusal } from '../../../src/worker/ask-for-place.ts';
import type { Order } from '../../../src/worker/coordinator-link.ts';
import { outcomeOf } from '../../support/outcome.ts';
import { createVirtualTime, promisesSettle } from '../../support/virtual-time.ts';

const full = {
  field: 'world size',
  expected: 'one has to become free',
  actual: 'all 2 places are taken',
  passing: true,
};
const envelope = { v: 8, run: 'r' } as const;
const stop: Order = { ...envelope, type: 'stop', outcome: 'completed', reason: 'completed' };

/** With a timeout of 10 s: it asks for 8 s, and waits a second at most between two tries. */
function openDoor(answer: (asked: number) => Order | undefined) {
  const time = createVirtualTime();
  const orders = createAsyncQueue<Order>();
  const ending = new AbortController();
  const hellos: { readonly afterMs: number; readonly asked: number | undefined }[] = [];
  const log: string[] = [];
  const asking = askForPlace({
    link: {
      signal: ending.signal,
      nextOrder: () => orders.next(),
      send(body: Body<WorkerMessage>) {
        if (body.type !== 'hello') throw new Error(body.type);
        hellos.push({ afterMs: Math.round((time.clock.now() - 100) * 1000), asked: body.asked });
        const order = answer(hellos.length);
        if (order !== undefined) orders.push(order);
      },
    },
    hello: () => ({ type: 'hello', workerId: 'w', version: '1', host: 'h', cpu: 'c', pid: 1, uptime: 1 }),
    timeoutSeconds: 10,
    clock: time.clock,
    timers: time.timers,
    log: (line) => log.push(line),
  });
  asking.catch(() => {});
  return { time, hellos, log, asking, fail: (error: Error) => [ending.abort(error), orders.fail(error)] };
}

const refusing = (): Order => ({ ...envelope, type: 'refuse', ...full });

describe('a worker that finds no place', () => {
  it('asks again, less and less often, until it gets one, and says so once', async () => {
    const door = openDoor((asked) => (asked < 8 ? refusing() : stop));
    await door.time.advanceAsync(10_000);
    expect(await outcomeOf(door.asking)).toEqual({ value: stop });
    expect(door.hellos).toEqual(
      [0, 125, 375, 875, 1875, 2875, 3875, 4875].map((afterMs, asked) => ({ afterMs, asked: asked || undefined })),
    );
    expect(door.log).toEqual([
      'no place in the run yet: all 2 places are taken; one has to become free; ' + 'asking again for 8 s (--timeout)',
    ]);
    expect(door.time.pending()).toBe(0);
  });

  it('gives up at its own deadline, having asked in that moment', async () => {
    const door = openDoor(refusing);
    await door.time.advanceAsync(7999);
    expect(await outcomeOf(door.asking)).toBe('pending');
    await door.time.advanceAsync(1);
    await expect(door.asking).rejects.toMatchObject({
      code: 'quorum-lost',
      message: 'no place in the run after 8 s (--timeout 10): ' + 'all 2 places are taken; one has to become free',
    });
    expect(door.hellos.at(-1)).toEqual({ afterMs: 8000, asked: 11 });
    expect(door.time.pending()).toBe(0);
  });

  it('ends its wait at once when the link fails', async () => {
    const door = openDoor(refusing);
    await promisesSettle();
    expect(door.time.pending()).toBe(1);
    door.fail(new Error('interrupted'));
    expect(await outcomeOf(door.asking)).toEqual({ error: 'interrupted' });
    expect(door.time.pending()).toBe(0);
    await door.time.advanceAsync(10_000);
    expect(door.hellos).toHaveLength(1);
  });
});

it('a worker that does not fit asks no more: waiting would not change it', () => {
  const refusal = { field: 'seed', expected: '1', actual: '2' };
  expect(decideAfterRefusal(refusal, 1, 0, 10)).toMatchObject({
    kind: 'give-up',
    error: {
      code: 'bad-input',
      message: 'the coordinator refused this worker: seed differs: the run has 1, this worker 2',
    },
  });
  expect(decideAfterRefusal({ ...refusal, passing: false }, 1, 0, 10).kind).toBe('give-up');
});

it('a worker asks at least once a second, and ten times as often as a short timeout is long', () => {
  const full: Parameters<typeof decideAfterRefusal>[0] = { field: 'f', expected: 'e', actual: 'a', passing: true };
  const waits = (timeout: number) =>
    [1, 2, 3, 4, 5, 9]
      .map((asked) => decideAfterRefusal(full, asked, 0, timeout))
      .map((d) => 'delayMs' in d && d.delayMs);
  expect(waits(600)).toEqual([125, 250, 500, 1000, 1000, 1000]);
  expect(waits(1)).toEqual([12.5, 25, 50, 100, 100, 100]);
});
