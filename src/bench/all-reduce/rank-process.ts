/**
 * A rank in a process of its own: `node rank-process.js '{"algorithm": …}'`. It reduces on request and sleeps in between.
 * Before each reduction that is timed, all ranks reduce a single float in the same way: nobody begins much earlier.
 */
import { gradientBuckets } from '../../shared/collectives/buckets.ts';
import type { AllReduce } from '../../shared/collectives/collective.ts';
import { collectiveOf } from '../../shared/collectives/registry.ts';
import { createKnownVectors } from './known-vectors.ts';
import { rankArgumentSchema, requestSchema } from './messages.ts';
import { openLinks } from './rank-links.ts';
import { hear, runProgram, say, vectorLengths } from './reducing-process.ts';

/** What a step's samples came to, which nobody asks for here. */
const nothing = { from: 0, to: 0, lossSum: 0, correct: 0, areFinite: true };

await runProgram(process.argv[2], rankArgumentSchema, async (argument) => {
  const { algorithm, rank, world, floats } = argument;
  const links = await openLinks(argument);
  const ends: readonly AllReduce[] = vectorLengths(floats).map((length, generation) =>
    collectiveOf(algorithm).createRank({
      rank,
      worldSize: world,
      buckets: gradientBuckets([length]),
      sendToHub: links.sendToHub,
      exchange: links.exchanges[generation],
      now: () => performance.now() / 1000,
      signal: new AbortController().signal,
    }),
  );
  links.listen((message, tensors) => ends[message.generation]?.receive(message, tensors));

  let step = 0;
  async function reduce(generation: number, vector: Float32Array): Promise<Float32Array> {
    const reduction = (ends[generation] as AllReduce).start({ generation, step, attempt: 0 }, [vector]);
    const { sum } = await reduction.finish(nothing, () => {});
    return sum;
  }

  const known = createKnownVectors(world, collectiveOf(algorithm).numerics);
  const [token, vector] = [new Float32Array(1), new Float32Array(floats)];
  say({ ready: true });
  for (;;) {
    const { reductions } = await hear(requestSchema);
    const seconds: number[] = [];
    let wrong = 0;
    for (let count = 0; count < reductions; count++) {
      known.fill(vector, rank, step);
      await reduce(0, token);
      const started = performance.now();
      const sum = await reduce(1, vector);
      seconds.push((performance.now() - started) / 1000);
      wrong += known.countWrong(sum, step);
      step += 1;
    }
    say({ seconds, wrong });
  }
});
