/** What the contract of collectives does not know of: the vectors that ranks read of each other. */
import { expect, it } from 'vitest';
import type { Commit } from '../../../../../src/shared/collectives/collective.ts';
import { createMeshRank } from '../../../../../src/shared/collectives/mesh/mesh-rank.ts';
import { createDeferred } from '../../../../../src/shared/core/deferred.ts';
import type { OwnVectors, PeerVectors } from '../../../../../src/shared/transport/shared-vectors.ts';
import { createMemoryVectors } from '../../../../support/memory-vectors.ts';

const floats = 6;

/** Rank 1 of two; the test plays rank 0. */
function openRank() {
  const sharing = createMemoryVectors();
  const offer = (): OwnVectors => {
    const offered = sharing.offer(floats);
    if ('problem' in offered) throw new Error(offered.problem);
    return offered.own;
  };
  const peerOf = (own: OwnVectors): PeerVectors => {
    const opened = sharing.open(own.offer, floats);
    if ('problem' in opened) throw new Error(opened.problem);
    return opened.peer;
  };
  const [own, other] = [offer(), offer()];
  const commit = createDeferred<Commit>();
  const log: string[] = [];
  const rank = createMeshRank({
    rank: 1,
    worldSize: 2,
    buckets: [
      { from: 0, to: 4 },
      { from: 4, to: floats },
    ],
    sendToHub() {},
    exchange: { own, peers: [peerOf(other), undefined] },
    signal: new AbortController().signal,
  });
  return { rank, other, seen: peerOf(own), commit, log };
}

const attempt = { generation: 2, step: 7, attempt: 0 };
const slot = 1;

function readAll(peer: PeerVectors): number[] {
  const target = new Float32Array(floats);
  peer.read(slot, 0, target);
  return [...target];
}

it('leaves a bucket to be read as soon as it is final, and names the attempt when all are, before it votes', async () => {
  const { rank, seen, commit, log } = openRank();
  const vector = Float32Array.of(1, 2, 3, 4, 5, 6);
  const reduction = rank.start(attempt, [vector]);
  reduction.ready(4, 6);
  expect(readAll(seen)).toEqual([0, 0, 0, 0, 5, 6]);
  reduction.ready(0, 3);
  expect(readAll(seen)).toEqual([0, 0, 0, 0, 5, 6]);
  expect(seen.published(slot)).toBeUndefined();
  const reduced = reduction.finish(
    () => log.push(`vote ${readAll(seen).join()} ${JSON.stringify(seen.published(slot))}`),
    () => commit.promise,
  );
  expect(log).toEqual([`vote 1,2,3,4,5,6 ${JSON.stringify(attempt)}`]);
  commit.resolve({ skipped: true, waited: 0.5 });
  // Nobody needs the sum of a step that is skipped.
  expect(await reduced).toMatchObject({ waitSeconds: 0.5, bytes: { sent: 24, received: 0 } });
});

it('adds up after the commit, and not before', async () => {
  const { rank, other, commit } = openRank();
  const reduced = rank.start(attempt, [Float32Array.of(1, 2, 3, 4, 5, 6)]).finish(
    () => {},
    () => commit.promise,
  );
  other.write(slot, 0, Float32Array.of(10, 20, 30, 40, 50, 60));
  other.publish(slot, attempt);
  commit.resolve({ skipped: false, waited: 0 });
  const { sum, bytes } = await reduced;
  expect([...sum]).toEqual([11, 22, 33, 44, 55, 66]);
  expect(bytes).toEqual({ sent: 24, received: 24 });
});

it('tells of its own vector that it changes while a new one is written over it', () => {
  const { rank, seen } = openRank();
  rank
    .start(attempt, [new Float32Array(floats)])
    .finish(
      () => {},
      () => new Promise(() => {}),
    )
    .catch(() => {});
  expect(seen.published(slot)).toEqual(attempt);
  rank.start({ ...attempt, step: 9 }, [new Float32Array(floats)]);
  expect(seen.published(slot)).toBeUndefined();
});

it.each([
  ['step', { ...attempt, step: 9 }],
  ['generation', { ...attempt, generation: 3 }],
  ['attempt', { ...attempt, attempt: 1 }],
])('refuses a sum of vectors that were written over: another %s', async (_, later) => {
  const { rank, other, commit } = openRank();
  const reduced = rank.start(attempt, [new Float32Array(floats)]).finish(
    () => {},
    () => commit.promise,
  );
  other.publish(slot, later);
  commit.resolve({ skipped: false, waited: 0 });
  await expect(reduced).rejects.toThrow('rank 0 has no gradient for step 8 to be read any more');
});
