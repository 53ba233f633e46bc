import type { Collective, RankOptions, StepPart } from '../collective.ts';

/** A rank without others: its gradient is the sum already, and nothing is sent. */
export const solo: Collective = {
  numerics: 'rank-order',
  createRank: createSoloRank,
};

function createSoloRank({ signal }: RankOptions) {
  const bytes = { sent: 0, received: 0 };
  return {
    start: (_: unknown, [values = new Float32Array(0)]: readonly Float32Array[]) => ({
      ready() {},
      async finish(part: StepPart, vote: () => void) {
        signal.throwIfAborted();
        vote();
        return { sum: values, parts: [part], waitSeconds: 0, bytes };
      },
    }),
    receive() {},
  };
}
