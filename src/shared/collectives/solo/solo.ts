import type { Collective, RankOptions, StepPart } from '../collective.ts';

/**
 * A rank without others: its gradient is the sum already, and nothing is sent. What it kept back while there were others
 * comes in with its first step.
 */
export const solo: Collective = {
  numerics: 'rank-order',
  compresses: true,
  createRank: createSoloRank,
};

function createSoloRank({ signal, feedback }: RankOptions) {
  const bytes = { sent: 0, received: 0 };
  return {
    start: (_: unknown, [values = new Float32Array(0)]: readonly Float32Array[]) => ({
      ready() {},
      async finish(part: StepPart, vote: () => void) {
        signal.throwIfAborted();
        feedback?.addAll(values);
        vote();
        return { sum: values, parts: [part], waitSeconds: 0, bytes };
      },
    }),
    receive() {},
  };
}
