/** The outboxes in front of a socket that the test plays, in virtual time. */
import { describe, expect, it } from 'vitest';
import { createDeferred, type Deferred } from '../../../../src/shared/core/deferred.ts';
import { createOutboxes, type OutboxLimits, outboxLimits } from '../../../../src/shared/transport/outboxes.ts';
import { outcomeOf } from '../../../support/outcome.ts';
import { createVirtualTime, promisesSettle, type VirtualTime } from '../../../support/virtual-time.ts';

const full = Object.assign(new Error('Resource temporarily unavailable'), { code: 'EAGAIN' });
const gone = Object.assign(new Error('Host unreachable'), { code: 'EHOSTUNREACH' });

/** Messages are texts, and as long as their texts. Peers in `without` have no room, or fail. */
function openOutboxes({ stalledMs = 100, ...limits }: Partial<OutboxLimits> & { stalledMs?: number } = {}) {
  const time = createVirtualTime();
  const sent: string[] = [];
  const attempts: string[] = [];
  const unreachable: [peer: string, reason: string][] = [];
  const without = new Map<string, unknown>();
  let held: Deferred<void> | undefined;
  let sending = 0;

  const outboxes = createOutboxes<string, string>({
    async send(peer, message) {
      attempts.push(message);
      sending += 1;
      // A ZeroMQ socket answers a second send with EBUSY.
      if (sending > 1) throw new Error('EBUSY: another send is under way');
      await held?.promise;
      sending -= 1;
      if (without.has(peer)) throw without.get(peer);
      sent.push(message);
    },
    sizeOf: (message) => message.length,
    // Texts with a plus travel together.
    join(waiting) {
      const end = waiting.findIndex((message) => !message.includes('+'));
      const joined = waiting.slice(0, Math.max(1, end < 0 ? waiting.length : end));
      return { frames: joined.join(''), count: joined.length };
    },
    limits: { messages: 4, bytes: 100, ...limits },
    stalledMs: () => stalledMs,
    timers: time.timers,
    onUnreachable: (peer, reason) => unreachable.push([peer, reason]),
  });

  return {
    time,
    sent,
    attempts,
    unreachable,
    without,
    ...outboxes,
    /** Messages to the peer that is their first letter. */
    postAll(...messages: readonly string[]) {
      for (const message of messages) outboxes.post(message[0] ?? '', message);
    },
    /** The send that comes next takes until this is called. */
    hold() {
      const holding = createDeferred<void>();
      held = holding;
      return () => {
        if (held === holding) held = undefined;
        holding.resolve();
      };
    },
  };
}

describe('messages', () => {
  it('to one peer leave in the order in which they were posted, one at a time', async () => {
    const { postAll, sent, flushed } = openOutboxes();
    postAll('a1', 'a2', 'a3', 'a4');
    await flushed();
    expect(sent).toEqual(['a1', 'a2', 'a3', 'a4']);
  });

  it('to several peers take turns', async () => {
    const { postAll, sent, flushed } = openOutboxes();
    postAll('a1', 'a2', 'a3', 'b1', 'c1', 'c2');
    await flushed();
    expect(sent).toEqual(['a1', 'b1', 'c1', 'a2', 'c2', 'a3']);
  });

  it('that are posted at any moment while the last one leaves are sent', async () => {
    for (let turns = 0; turns < 20; turns++) {
      const { postAll, sent } = openOutboxes();
      postAll('a1');
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      postAll('b1');
      await promisesSettle();
      expect(sent, `after ${turns} turns`).toEqual(['a1', 'b1']);
      postAll('a2');
      await promisesSettle();
      expect(sent, `after ${turns} turns`).toEqual(['a1', 'b1', 'a2']);
    }
  });
});

describe('messages that can travel together', () => {
  it('do so when they wait, up to the first that cannot', async () => {
    const { postAll, sent, flushed } = openOutboxes();
    postAll('a+1', 'a+2', 'b+1', 'a+3', 'a4', 'a+5');
    await flushed();
    expect(sent).toEqual(['a+1a+2a+3', 'b+1', 'a4', 'a+5']);
  });

  it('are all tried again where there was no room, and count as long as they have not left', async () => {
    const { time, postAll, sent, without, unreachable } = openOutboxes({ bytes: 10 });
    without.set('a', full);
    postAll('a+1', 'a+2');
    await promisesSettle();
    postAll('a+3');
    expect(unreachable).toEqual([]);
    without.delete('a');
    await time.advanceAsync(5);
    expect(sent).toEqual(['a+1a+2a+3']);
    without.set('a', full);
    postAll('a+4', 'a+5', 'a+6');
    await promisesSettle();
    expect(unreachable).toEqual([]);
    postAll('a+7');
    expect(unreachable).toEqual([['a', '3 messages (9 bytes) wait for it']]);
  });

  it('wait for each other for 100 ms where they may', async () => {
    const { time, post, sent } = openOutboxes();
    post('a', 'a+1', true);
    post('a', 'a+2', true);
    await time.advanceAsync(99);
    expect(sent).toEqual([]);
    await time.advanceAsync(1);
    expect(sent).toEqual(['a+1a+2']);
    post('a', 'a+3', true);
    await time.advanceAsync(50);
    post('a', 'a+4');
    await promisesSettle();
    expect(sent).toEqual(['a+1a+2', 'a+3a+4']);
    expect(time.pending()).toBe(0);
  });

  it('that wait leave at once where somebody waits until all is handed over', async () => {
    const { time, post, sent, flushed } = openOutboxes();
    post('a', 'a+1', true);
    await flushed();
    expect([sent, time.pending()]).toEqual([['a+1'], 0]);
  });

  it('that wait are dropped without a word when all is closed', async () => {
    const { time, post, sent, close } = openOutboxes();
    post('a', 'a+1', true);
    close();
    await time.advanceAsync(1000);
    expect([sent, time.pending()]).toEqual([[], 0]);
  });
});

describe('a peer that has no room', () => {
  it('holds up nobody else, and is tried again every 5 ms until it has', async () => {
    const { time, postAll, sent, attempts, without, unreachable } = openOutboxes();
    without.set('a', full);
    postAll('a1', 'a2', 'b1', 'b2');
    await promisesSettle();
    expect(sent).toEqual(['b1', 'b2']);
    expect(attempts.filter((message) => message === 'a1')).toHaveLength(1);
    expect(attempts).not.toContain('a2');

    await time.advanceAsync(4);
    postAll('a3', 'b3');
    await promisesSettle();
    expect(attempts.filter((message) => message === 'a1')).toHaveLength(1);
    await time.advanceAsync(1);
    expect(attempts.filter((message) => message === 'a1')).toHaveLength(2);
    await time.advanceAsync(10);
    expect(attempts.filter((message) => message === 'a1')).toHaveLength(4);

    without.delete('a');
    await time.advanceAsync(5);
    expect(sent).toEqual(['b1', 'b2', 'b3', 'a1', 'a2', 'a3']);
    await time.advanceAsync(10_000);
    expect(unreachable).toEqual([]);
    expect(time.pending()).toBe(0);
  });

  it('for too long is given up with what was queued for it; the others go on', async () => {
    const { time, postAll, sent, without, unreachable } = openOutboxes({ stalledMs: 250 });
    without.set('a', full);
    postAll('a1', 'a2');
    await time.advanceAsync(249);
    expect(unreachable).toEqual([]);
    await time.advanceAsync(1);
    expect(unreachable).toEqual([['a', 'it has taken no message for 0.25 s']]);
    expect(time.pending()).toBe(0);

    // A peer that comes back is as good as any.
    without.delete('a');
    postAll('b1', 'a3');
    await time.advanceAsync(5000);
    expect(sent).toEqual(['b1', 'a3']);
    expect(unreachable).toHaveLength(1);
  });

  it('has all of its time again after every message that it takes', async () => {
    const { time, postAll, sent, without, unreachable } = openOutboxes();
    for (const message of ['a1', 'a2', 'a3']) {
      without.set('a', full);
      postAll(message);
      await time.advanceAsync(90);
      without.delete('a');
      await time.advanceAsync(5);
      expect(sent.at(-1)).toBe(message);
    }
    expect(unreachable).toEqual([]);
    without.set('a', full);
    postAll('a4');
    await time.advanceAsync(100);
    expect(unreachable).toHaveLength(1);
  });

  it('is given up for the time in which it was tried, not for that in which this process was suspended', async () => {
    const { time, postAll, sent, without, unreachable, hold } = openOutboxes();
    without.set('a', full);
    postAll('a1', 'a2');
    await time.advanceAsync(50);
    // A try that takes a minute, as when the process stops in it.
    const release = hold();
    await time.advanceAsync(60_000);
    release();
    await promisesSettle();
    expect(unreachable).toEqual([]);
    await time.advanceAsync(20);
    without.delete('a');
    await time.advanceAsync(5);
    expect(sent).toEqual(['a1', 'a2']);
  });

  it('may have none for ever where it is waited for as long as it takes', async () => {
    const { time, postAll, sent, without, unreachable } = openOutboxes({ stalledMs: Number.POSITIVE_INFINITY });
    without.set('a', full);
    postAll('a1');
    await time.advanceAsync(20_000);
    without.delete('a');
    await time.advanceAsync(5);
    expect(unreachable).toEqual([]);
    expect(sent).toEqual(['a1']);
  });
});

describe('a peer that is behind', () => {
  /** Its connection has no room, with this message waiting. */
  async function stalled(limits: Partial<OutboxLimits>, first: string) {
    const party = openOutboxes(limits);
    party.without.set('a', full);
    party.postAll(first);
    await promisesSettle();
    return party;
  }

  it('by too many messages is given up, and what it was owed with it', async () => {
    const { time, postAll, sent, unreachable } = await stalled({ messages: 3 }, 'a-1');
    postAll('a-2', 'a-3', 'b-1');
    expect(unreachable).toEqual([]);
    postAll('a-4');
    expect(unreachable).toEqual([['a', '3 messages (9 bytes) wait for it']]);
    await time.advanceAsync(5000);
    expect(sent).toEqual(['b-1']);
    expect(time.pending()).toBe(0);
  });

  it('by too many bytes is given up, but not by just as many as it may be', async () => {
    const { postAll, unreachable } = await stalled({ bytes: 10 }, 'a23');
    postAll('a23', 'a234');
    expect(unreachable).toEqual([]);
    postAll('a');
    expect(unreachable).toEqual([['a', '3 messages (10 bytes) wait for it']]);
  });

  it('is behind by no more than what has not left', async () => {
    const { time, postAll, sent, without, unreachable } = await stalled({ bytes: 10, messages: 2 }, 'a2345');
    for (let round = 0; round < 10; round++) {
      postAll('a2345');
      expect(unreachable).toEqual([]);
      without.delete('a');
      await time.advanceAsync(5);
      without.set('a', full);
      postAll('a2345');
      await promisesSettle();
    }
    expect(sent).toHaveLength(20);
  });

  it('is not counted what left before its connection was full', async () => {
    const { postAll, sent, without, unreachable, hold } = openOutboxes({ bytes: 10 });
    const releaseFirst = hold();
    postAll('a2345', 'a2345');
    await promisesSettle();
    const releaseSecond = hold();
    releaseFirst();
    await promisesSettle();
    expect(sent).toEqual(['a2345']);
    without.set('a', full);
    releaseSecond();
    await promisesSettle();
    postAll('a2345');
    expect(unreachable).toEqual([]);
    postAll('a');
    expect(unreachable).toEqual([['a', '2 messages (10 bytes) wait for it']]);
  });

  it('and begins again is not counted what was dropped', async () => {
    const { time, postAll, sent, without, unreachable } = await stalled({ messages: 2 }, 'a1');
    postAll('a2', 'a3');
    expect(unreachable).toEqual([['a', '2 messages (4 bytes) wait for it']]);
    without.delete('a');
    postAll('a4', 'a5');
    await time.advanceAsync(5);
    expect(sent).toEqual(['a4', 'a5']);
  });
});

describe('a peer that takes what it is sent', () => {
  it('may be sent any amount at once: a small message, then a checkpoint', async () => {
    const { postAll, sent, unreachable, flushed } = openOutboxes({ bytes: 10, messages: 2 });
    const messages = ['a', 'a'.repeat(1000), 'a2', 'a3', 'a4'];
    postAll(...messages);
    await flushed();
    expect(sent).toEqual(messages);
    expect(unreachable).toEqual([]);
  });
});

describe('a peer that is gone', () => {
  it.each([
    [gone, 'Host unreachable'],
    ['no such peer', 'no such peer'],
  ])('is given up at once, with what was queued for it: %s', async (error, reason) => {
    const { time, postAll, sent, attempts, unreachable, without, flushed } = openOutboxes();
    without.set('a', error);
    postAll('a1', 'a2', 'b1');
    await flushed();
    expect(unreachable).toEqual([['a', reason]]);
    expect(attempts).toEqual(['a1', 'b1']);
    expect(sent).toEqual(['b1']);
    expect(time.pending()).toBe(0);
  });

  it('after it had no room leaves no timers', async () => {
    const { time, postAll, unreachable, without } = openOutboxes();
    without.set('a', full);
    postAll('a1');
    await promisesSettle();
    expect(time.pending()).toBe(1);
    without.set('a', gone);
    await time.advanceAsync(5);
    expect(unreachable).toEqual([['a', 'Host unreachable']]);
    expect(time.pending()).toBe(0);
  });
});

describe('flushed', () => {
  it('waits for what can leave, and for nobody that has no room', async () => {
    const { postAll, sent, without, flushed, hold } = openOutboxes();
    expect(await outcomeOf(flushed())).toEqual({ value: undefined });
    without.set('a', full);
    postAll('a1');
    await promisesSettle();
    const release = hold();
    postAll('b1', 'b2');
    const waiting = flushed();
    expect(await outcomeOf(waiting)).toBe('pending');
    release();
    expect(await outcomeOf(waiting)).toEqual({ value: undefined });
    expect(sent).toEqual(['b1', 'b2']);
  });
});

describe('emptied', () => {
  it('waits for a peer that has no room until it has taken everything', async () => {
    const { time, postAll, sent, without, emptied } = openOutboxes();
    expect(await outcomeOf(emptied())).toEqual({ value: undefined });
    without.set('a', full);
    postAll('a1', 'a2', 'b1');
    const waiting = emptied();
    await time.advanceAsync(50);
    expect(sent).toEqual(['b1']);
    expect(await outcomeOf(waiting)).toBe('pending');
    without.delete('a');
    await time.advanceAsync(5);
    expect(await outcomeOf(waiting)).toEqual({ value: undefined });
    expect(sent).toEqual(['b1', 'a1', 'a2']);
  });

  it.each([
    ['given up', (time: VirtualTime) => time.advanceAsync(100)],
    ['forgotten, because all is closed', async (_: VirtualTime, close: () => void) => close()],
  ])('waits no longer for a peer that is %s', async (_, end) => {
    const { time, postAll, without, emptied, close } = openOutboxes();
    without.set('a', full);
    postAll('a1');
    const waiting = emptied();
    await time.advanceAsync(50);
    expect(await outcomeOf(waiting)).toBe('pending');
    await end(time, close);
    expect(await outcomeOf(waiting)).toEqual({ value: undefined });
  });
});

describe('close', () => {
  it('drops everything, may be called twice, and leaves no timers', async () => {
    const { time, postAll, sent, attempts, unreachable, without, close, hold } = openOutboxes();
    without.set('a', full);
    postAll('a1', 'a2');
    await promisesSettle();
    const release = hold();
    postAll('b1', 'b2', 'c1');
    await promisesSettle();
    close();
    close();
    expect(time.pending()).toBe(0);
    release();
    await time.advanceAsync(5000);
    expect(sent).toEqual(['b1']);
    expect(attempts).toEqual(['a1', 'b1']);
    expect(unreachable).toEqual([]);
  });
});

it('the limits of a run', () => {
  // Six headers, or six gradients of 100 M parameters in buckets of 256 KiB.
  expect(outboxLimits(1000)).toEqual({ messages: 1000, bytes: 1_572_864 });
  expect(outboxLimits(400_000_000)).toEqual({ messages: 9156, bytes: 2_400_000_000 });
});
