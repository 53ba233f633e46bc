import { expect, it } from 'vitest';
import type { StepPart } from '../../../../../src/shared/collectives/collective.ts';
import { solo } from '../../../../../src/shared/collectives/solo/solo.ts';

const attempt = { generation: 1, step: 0, attempt: 0 };
const part: StepPart = { from: 0, to: 32, lossSum: 70.25, correct: 5, areFinite: true };

function openRank() {
  const generation = new AbortController();
  const rank = solo.createRank({
    rank: 0,
    worldSize: 1,
    buckets: [{ from: 0, to: 3 }],
    sendToHub() {
      throw new Error('there is no hub');
    },
    now: () => 0,
    signal: generation.signal,
  });
  return { rank, generation };
}

it('has the sum already: it sends nothing, waits for nobody, and votes all the same', async () => {
  const { rank } = openRank();
  const reduction = rank.start(attempt, [Float32Array.of(1, 2, 3)]);
  reduction.ready(0, 3);
  let votes = 0;
  const reduced = await reduction.finish(part, () => {
    votes += 1;
  });
  const bytes = { sent: 0, received: 0 };
  expect(reduced).toEqual({ sum: Float32Array.of(1, 2, 3), parts: [part], waitSeconds: 0, bytes });
  expect(votes).toBe(1);
});

it('votes for nothing once its generation is over', async () => {
  const { rank, generation } = openRank();
  const reduction = rank.start(attempt, [new Float32Array(3)]);
  generation.abort(new Error('worker w1 joins'));
  const vote = () => {
    throw new Error('it has voted');
  };
  await expect(reduction.finish(part, vote)).rejects.toThrow('worker w1 joins');
});
