/**
 * A worker is killed in every half of a millisecond of small runs whose workers are on hosts of their own, and sum in two stages
 * or around a ring: its sum of the step may be lost on its way to all others, to some, or to none. Outside `npm test` in every third.
 */
import { expect, it } from 'vitest';
import type { AllReduceName } from '../../../src/shared/collectives/registry.ts';
import { rounds } from '../../support/thoroughness.ts';
import { violations } from './invariants.ts';
import { plainRunOf, smallWorkload } from './plain-loop.ts';
import type { Schedule } from './schedule.ts';
import { type Seen, simulate } from './simulate.ts';

const killed = 1;
const stepMs = rounds(1.5, 0.5);
/** The delays of messages are another run's. */
const seeds = rounds(1, 4);

function killAt(allReduce: AllReduceName, seed: number, ms: number): Schedule {
  return {
    seed,
    workload: smallWorkload,
    min: 2,
    max: 3,
    workers: 3,
    onLoss: 'continue',
    checksumEvery: 1,
    checkpointEvery: undefined,
    isLocal: false,
    hosts: 4,
    allReduce,
    faults: [{ at: { ms }, kind: 'kill', worker: killed, losesLastWords: true, returns: false }],
  };
}

/** The last step that each survivor applied together with the worker that was killed. */
function lastStepsTogether({ updates, meshes }: Seen): readonly number[] {
  const last = new Map<string, number>();
  for (const { life, generation, step } of updates) {
    if (generation === 1 && meshes.has(generation) && life.workerId !== `w${killed}`) last.set(life.workerId, step);
  }
  return [...last.values()];
}

it.each(['mesh-two-shot', 'ring'] as const)(
  '%s: where a sum is lost with its worker, the others go on from whoever has it, or train the step again',
  async (allReduce) => {
    const plain = await plainRunOf(smallWorkload);
    const failures: string[] = [];
    let [torn, atOne] = [0, 0];
    for (let seed = 1; seed <= seeds; seed++) {
      let isRunning = true;
      for (let ms = stepMs; isRunning; ms += stepMs) {
        const schedule = killAt(allReduce, seed, ms);
        const seen = await simulate(schedule);
        failures.push(...violations(seen, plain).map((why) => `${JSON.stringify(schedule)}: ${why}`));
        const last = lastStepsTogether(seen);
        if (new Set(last).size > 1) torn += 1;
        else if (last.length > 1) atOne += 1;
        isRunning = seen.stateAtFault !== undefined;
      }
    }
    expect(failures).toEqual([]);
    expect(torn).toBeGreaterThanOrEqual(rounds(1, 5));
    expect(atOne).toBeGreaterThan(torn);
  },
  600_000,
);
