/** A measurement over peers that a test makes up, in virtual time. */
import { describe, expect, it } from 'vitest';
import type { PeerVectors } from '../../../src/shared/transport/vectors.ts';
import { measureLink } from '../../../src/worker/measure-link.ts';
import { createVirtualTime } from '../../support/virtual-time.ts';

const never = new AbortController().signal;
const unused = () => {
  throw new Error('nobody reads');
};
const inMemory: PeerVectors = {
  way: 'memory',
  follow: unused,
  holds: unused,
  read: unused,
  published: unused,
  close: unused,
};

/**
 * Rank 0 and others behind one link, which carries one answer at a time.
 * @param bytesPerMs of the link
 * @param isSilent whether a peer answers what it is asked for, which has so many floats
 */
function openLink(
  others: number,
  bytesPerMs: number,
  isSilent: (peer: number, floats: number) => boolean = () => false,
) {
  const time = createVirtualTime();
  const asked: { readonly peer: number; readonly floats: number; readonly atMs: number }[] = [];
  let freeAt = 0;
  const peerOf = (peer: number): PeerVectors => ({
    ...inMemory,
    way: 'network',
    probe: (floats) =>
      new Promise<void>((resolve) => {
        const nowMs = time.clock.now() * 1000;
        asked.push({ peer, floats, atMs: nowMs });
        if (isSilent(peer, floats)) return;
        freeAt = Math.max(freeAt, nowMs + 1) + (4 * floats) / bytesPerMs;
        time.timers.after(freeAt - nowMs, resolve);
      }),
  });
  const peers = [undefined, ...Array.from({ length: others }, (_, other) => peerOf(other + 1))];
  const measure = (signal = never, all: readonly (PeerVectors | undefined)[] = peers) =>
    measureLink(all, { now: time.clock.now, timers: time.timers, signal });
  return { time, asked, peers, measure };
}

describe('the measurement of a link', () => {
  it.each([1, 3])('tells what comes from %i others together, and how long the way is', async (others) => {
    const { time, measure, asked } = openLink(others, 12_500);
    const link = await time.until(measure());
    expect((link?.bytesPerSecond ?? 0) / 12.5e6).toBeCloseTo(1, 6);
    expect(link?.delaySeconds).toBeCloseTo(0.5e-3, 9);
    // All are asked for the same at the same time, and for no message that is too long.
    for (const { atMs } of asked) {
      const byPeer = Array.from({ length: others }, (_, other) =>
        asked.filter(({ peer, atMs: at }) => peer === other + 1 && at === atMs).map(({ floats }) => floats),
      );
      for (const floats of byPeer) expect(floats).toEqual(byPeer[0]);
    }
    expect(Math.max(...asked.map(({ floats }) => floats))).toBeLessThanOrEqual(16_384);
    expect(time.pending()).toBe(0);
  });

  it.each([1, 3, 7, 255])('asks %i others for no more than 4 MiB together, however fast they are', async (others) => {
    const { time, measure, asked } = openLink(others, 1e7);
    await time.until(measure());
    const bytes = 4 * asked.reduce((sum, { floats }) => sum + floats, 0);
    expect(bytes).toBeGreaterThan(3 << 20);
    expect(bytes).toBeLessThanOrEqual(4 << 20);
  });

  it('asks nobody who is read in memory', async () => {
    const { time, peers, measure, asked } = openLink(2, 12_500);
    const link = await time.until(measure(never, [undefined, inMemory, peers[1]]));
    expect(link?.bytesPerSecond).toBeGreaterThan(0);
    expect(new Set(asked.map(({ peer }) => peer))).toEqual(new Set([1]));
    expect(await measure(never, [undefined, inMemory])).toBeUndefined();
  });

  it.each([
    ['nothing', () => true],
    ['round trips alone', (_: number, floats: number) => floats > 0],
  ])('comes to nothing after a second where one answers %s', async (_, isSilent) => {
    const { time, measure } = openLink(3, 12_500, (peer, floats) => peer === 2 && isSilent(peer, floats));
    const began = time.clock.now();
    expect(await time.until(measure())).toBeUndefined();
    expect(time.clock.now() - began).toBeCloseTo(1, 6);
    expect(time.pending()).toBe(0);
  });

  it('ends with the generation', async () => {
    const { time, measure } = openLink(2, 12_500, () => true);
    const ending = new AbortController();
    const measuring = measure(ending.signal);
    ending.abort(new Error('a member was lost'));
    await expect(measuring).rejects.toThrow('a member was lost');
    expect(time.pending()).toBe(0);
  });
});
