/** A rank of a collective with a hub, which the test plays. */
import { describe, expect, it } from 'vitest';
import type { FromHub, RankOptions } from '../../../../src/shared/collectives/collective.ts';
import { createHubRank } from '../../../../src/shared/collectives/hub-rank.ts';
import type { Attempt } from '../../../../src/shared/protocol/messages.ts';
import { outcomeOf } from '../../../support/outcome.ts';

const buckets = [
  { from: 0, to: 2 },
  { from: 2, to: 3 },
  { from: 3, to: 6 },
];
const first: Attempt = { generation: 1, step: 7, attempt: 0 };

function openRank(labels = false, cut = buckets) {
  const ending = new AbortController();
  const log: string[] = [];
  const tensors: (readonly Float32Array[])[] = [];
  const options: RankOptions = {
    rank: 1,
    worldSize: 2,
    buckets: cut,
    now: () => 0,
    signal: ending.signal,
    sendToHub(body, sent) {
      const { type, bucket, ...attempt } = body;
      expect(type).toBe('contribute');
      log.push(`${bucket} of ${Object.values(attempt).join('/')}: ${sent.map((tensor) => tensor.join()).join(';')}`);
      tensors.push(sent);
    },
  };
  const rank = createHubRank(options, labels);
  return {
    ...rank,
    log,
    tensors,
    abort: (reason: Error) => ending.abort(reason),
    vote: () => log.push('vote'),
    /** The hub's answer for a bucket, unless a test says otherwise the right one. */
    reduced(bucket: number, values: readonly number[], fields: Partial<FromHub> = {}) {
      const message: FromHub = { v: 8, run: 'r', type: 'reduced', ...first, bucket, waited: bucket / 4, ...fields };
      rank.receive(message, [Float32Array.from(values)]);
    },
  };
}

/** Only the coordinator needs it. */
const part = { from: 0, to: 4, lossSum: 1, correct: 2, areFinite: true };

const gradient = () => Float32Array.of(1, 2, 3, 4, 5, 6);
const sums = [[10, 20], [30], [40, 50, 60]] as const;

describe('the gradient of a rank', () => {
  it('leaves bucket by bucket, each once all of it is final, and is not copied', () => {
    const { start, log, tensors, vote } = openRank();
    const values = gradient();
    const { ready, finish } = start(first, [values]);
    ready(4, 6);
    expect(log).toEqual([]);
    ready(2, 4);
    expect(log).toEqual(['1 of 1/7/0: 3', '2 of 1/7/0: 4,5,6']);
    ready(0, 1);
    expect(log).toHaveLength(2);
    finish(part, vote).catch(() => {});
    expect(log.slice(2)).toEqual(['0 of 1/7/0: 1,2', 'vote']);
    for (const [tensor] of tensors) expect(tensor?.buffer).toBe(values.buffer);
  });

  it('leaves all at once when nothing was told before, and only once when everything was', () => {
    for (const parts of [[], [[0, 6]]] as const) {
      const { start, log, vote } = openRank();
      const { ready, finish } = start(first, [gradient()]);
      for (const [from, to] of parts) ready(from, to);
      finish(part, vote).catch(() => {});
      expect(log).toEqual(['0 of 1/7/0: 1,2', '1 of 1/7/0: 3', '2 of 1/7/0: 4,5,6', 'vote']);
    }
  });

  it('stays where an interval touches a bucket and no more', () => {
    const { start, log } = openRank();
    const { ready } = start(first, [gradient()]);
    ready(2, 2);
    ready(3, 3);
    ready(0, 2);
    ready(2, 3);
    expect(log).toEqual(['0 of 1/7/0: 1,2', '1 of 1/7/0: 3']);
  });

  it('must be as long as was agreed', () => {
    const { start } = openRank();
    expect(() => start(first, [new Float32Array(5)])).toThrow('all-reduce: 5 floats, expected 6');
    expect(() => start(first, [new Float32Array(7)])).toThrow('all-reduce: 7 floats, expected 6');
    expect(() => start(first, [gradient(), new Float32Array(5)])).toThrow('all-reduce: 5 floats, expected 6');
  });
});

describe('the sum', () => {
  it('is there when every bucket of it is, with how long the last one had waited, and the bytes of both ways', async () => {
    const { start, reduced, vote } = openRank();
    const { finish } = start(first, [gradient()]);
    const finished = finish(part, vote);
    reduced(2, sums[2]);
    reduced(0, sums[0]);
    expect(await outcomeOf(finished)).toBe('pending');
    reduced(1, sums[1]);
    expect(await outcomeOf(finished)).toEqual({
      value: { sum: Float32Array.of(10, 20, 30, 40, 50, 60), waitSeconds: 0.25, bytes: { sent: 24, received: 24 } },
    });
  });

  it('may be back before the rank has said that it is done', async () => {
    const { start, reduced, vote, log } = openRank();
    const { finish, ready } = start(first, [gradient()]);
    ready(0, 6);
    for (const [bucket, values] of sums.entries()) reduced(bucket, values);
    expect(log).not.toContain('vote');
    expect(await outcomeOf(finish(part, vote))).toMatchObject({ value: { waitSeconds: 0.5 } });
    expect(log.filter((line) => line === 'vote')).toHaveLength(1);
  });

  it.each([
    ['of another generation', { generation: 2 }, [9, 9]],
    ['of another step', { step: 8 }, [9, 9]],
    ['of another attempt', { attempt: 1 }, [9, 9]],
    ['of a bucket that there is not', { bucket: 3 }, [9, 9]],
    ['that is too long', {}, [9, 9, 9]],
    ['that is too short', {}, [9]],
  ])('takes nothing in %s', async (_, fields, values) => {
    const { start, reduced, vote } = openRank();
    const finished = start(first, [gradient()]).finish(part, vote);
    reduced(0, values, { waited: 9, ...fields });
    for (const bucket of [1, 2] as const) reduced(bucket, sums[bucket], { waited: 1 });
    expect(await outcomeOf(finished)).toBe('pending');
    reduced(0, sums[0], { waited: 2 });
    expect(await outcomeOf(finished)).toMatchObject({
      value: { sum: Float32Array.of(10, 20, 30, 40, 50, 60), waitSeconds: 2 },
    });
  });

  it('takes nothing in without floats, twice, or when nobody waits for it', async () => {
    const { start, reduced, receive, vote } = openRank();
    reduced(0, [9, 9]);
    const finished = start(first, [gradient()]).finish(part, vote);
    receive({ v: 8, run: 'r', type: 'reduced', ...first, bucket: 0, waited: 9 }, []);
    reduced(0, sums[0]);
    reduced(0, [9, 9], { waited: 9 });
    reduced(1, sums[1]);
    reduced(2, sums[2]);
    const outcome = await outcomeOf(finished);
    reduced(0, [9, 9]);
    expect(outcome).toMatchObject({ value: { sum: Float32Array.of(10, 20, 30, 40, 50, 60), waitSeconds: 0.5 } });
  });

  it('of an attempt that was given up for another never comes', async () => {
    const { start, reduced, vote, log } = openRank();
    const abandoned = start(first, [gradient()]).finish(part, vote);
    const second = { ...first, attempt: 1 };
    const finished = start(second, [gradient()]).finish(part, vote);
    for (const [bucket, values] of sums.entries()) reduced(bucket, Array(values.length).fill(9));
    expect(await outcomeOf(finished)).toBe('pending');
    for (const [bucket, values] of sums.entries()) reduced(bucket, values, second);
    expect(await outcomeOf(finished)).toMatchObject({ value: { sum: Float32Array.of(10, 20, 30, 40, 50, 60) } });
    expect(await outcomeOf(abandoned)).toBe('pending');
    expect(log.at(-2)).toBe('2 of 1/7/1: 4,5,6');
  });
});

describe('a rank with several vectors', () => {
  const all = (reduced: ReturnType<typeof openRank>['reduced']) => {
    for (const [bucket, values] of sums.entries()) reduced(bucket, values);
  };

  it('says of each bucket which of them it is of, and hands over every one of them once', async () => {
    const { start, log, reduced, vote } = openRank(true);
    const { ready, finish } = start(first, [gradient(), gradient().map((value) => value * 10)]);
    ready(0, 2, 1);
    ready(2, 6);
    expect(log).toEqual(['0 of 1/7/0/1: 10,20', '1 of 1/7/0/0: 3', '2 of 1/7/0/0: 4,5,6']);
    const finished = finish(part, vote);
    expect(log.slice(3)).toEqual(['0 of 1/7/0/0: 1,2', '1 of 1/7/0/1: 30', '2 of 1/7/0/1: 40,50,60', 'vote']);
    all(reduced);
    expect(await outcomeOf(finished)).toMatchObject({ value: { bytes: { sent: 48, received: 24 } } });
  });

  it('or none sends nothing, and waits for the sum like the others', async () => {
    const { start, log, reduced, vote } = openRank(true);
    const finished = start(first, []).finish(part, vote);
    expect(log).toEqual(['vote']);
    expect(await outcomeOf(finished)).toBe('pending');
    all(reduced);
    const sum = Float32Array.of(10, 20, 30, 40, 50, 60);
    expect(await outcomeOf(finished)).toMatchObject({ value: { sum, bytes: { sent: 0, received: 24 } } });
  });
});

it('a model without parameters has nothing to send, and its sum at once', async () => {
  const { start, log, vote } = openRank(false, []);
  const outcome = await outcomeOf(start(first, [new Float32Array(0)]).finish(part, vote));
  const bytes = { sent: 0, received: 0 };
  expect(outcome).toEqual({ value: { sum: new Float32Array(0), parts: undefined, waitSeconds: 0, bytes } });
  expect(log).toEqual(['vote']);
});

describe('a generation that is aborted', () => {
  it('ends the wait for the sum, and every later one before it votes', async () => {
    const { start, abort, vote, log, reduced } = openRank();
    const pending = start(first, [gradient()]).finish(part, vote);
    abort(new Error('w1 was lost'));
    const lost = { error: 'w1 was lost' };
    expect(await outcomeOf(pending)).toEqual(lost);
    const before = log.length;
    expect(await outcomeOf(start({ ...first, step: 8 }, [gradient()]).finish(part, vote))).toEqual(lost);
    expect(log).toHaveLength(before);
    reduced(0, [9, 9]);
  });

  it('while nothing is waited for ends what comes later', async () => {
    const { start, abort, vote } = openRank();
    abort(new Error('w1 was lost'));
    expect(await outcomeOf(start(first, [gradient()]).finish(part, vote))).toEqual({ error: 'w1 was lost' });
  });

  it('while a gradient is computed lets nothing of it be waited for', async () => {
    const { start, abort, vote, log } = openRank();
    const { finish, ready } = start(first, [gradient()]);
    abort(new Error('w1 was lost'));
    ready(0, 2);
    expect(await outcomeOf(finish(part, vote))).toEqual({ error: 'w1 was lost' });
    expect(log).not.toContain('vote');
  });
});
