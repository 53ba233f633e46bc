/** The end of a run, over connections that the test opens and closes. */
import { expect, it } from 'vitest';
import { sayGoodbye } from '../../../src/coordinator/goodbye.ts';
import { createOutboxes } from '../../../src/shared/transport/outboxes.ts';
import { outcomeOf } from '../../support/outcome.ts';
import { createVirtualTime, promisesSettle } from '../../support/virtual-time.ts';

const stop = { type: 'stop', outcome: 'completed', reason: 'completed' } as const;

/** Peers in `without` have no room. */
function endRun(peers: readonly string[], without: Set<string>) {
  const time = createVirtualTime();
  const told: string[] = [];
  const outboxes = createOutboxes<string, string>({
    async send(peer) {
      if (without.has(peer)) throw Object.assign(new Error('full'), { code: 'EAGAIN' });
      told.push(peer);
    },
    join: ([first = '']) => ({ frames: first, count: 1 }),
    sizeOf: () => 1,
    limits: { messages: 10, bytes: 100 },
    stalledMs: () => 60_000,
    timers: time.timers,
    onUnreachable() {},
  });
  const socket = { send: (peer: string) => outboxes.post(peer, 'stop'), emptied: outboxes.emptied };
  return { time, told, saying: sayGoodbye(socket, peers, stop, time.timers, 3000) };
}

it('is told to everybody at once', async () => {
  const { time, told, saying } = endRun(['a', 'b'], new Set());
  await promisesSettle();
  expect(await outcomeOf(saying)).toEqual({ value: undefined });
  expect(told).toEqual(['a', 'b']);
  expect(time.pending()).toBe(0);
});

it('waits for a worker whose connection has no room yet', async () => {
  const without = new Set(['a']);
  const { time, told, saying } = endRun(['a', 'b'], without);
  await time.advanceAsync(2900);
  expect(await outcomeOf(saying)).toBe('pending');
  expect(told).toEqual(['b']);
  without.clear();
  await time.advanceAsync(5);
  expect(await outcomeOf(saying)).toEqual({ value: undefined });
  expect(told).toEqual(['b', 'a']);
});

it('does not wait for ever', async () => {
  const { time, saying } = endRun(['a'], new Set(['a']));
  await time.advanceAsync(2999);
  expect(await outcomeOf(saying)).toBe('pending');
  await time.advanceAsync(1);
  expect(await outcomeOf(saying)).toEqual({ value: undefined });
});
