/** A life of a worker's process: the real worker, with an engine that may fail, and what is seen of its replica. */
import type { Engine, EngineProvider } from '../../../src/engine/engine.ts';
import { createDeferred, type Deferred } from '../../../src/shared/core/deferred.ts';
import type { Random } from '../../../src/shared/core/random.ts';
import type { Dataset } from '../../../src/shared/data/dataset.ts';
import { runWorker } from '../../../src/worker/run-worker.ts';
import type { FaultyNetwork } from '../../support/faulty-network.ts';
import { createSimulatedProcess, type SimulatedProcess } from '../../support/simulated-process.ts';
import { toyProvider } from '../../support/toy-engine.ts';
import type { VirtualTime } from '../../support/virtual-time.ts';
import { timeoutSeconds } from './schedule.ts';
import type { SimulatedHosts } from './simulated-hosts.ts';

export interface Life {
  readonly workerId: string;
  readonly process: SimulatedProcess;
  readonly drain: AbortController;
  /** A fault of the schedule was meant for it. */
  isHit: boolean;
  /** Steps that its replica has seen. */
  step: number;
  /** The generation that committed the last of them; 0 where there is none. */
  generation: number;
  /** The attempt that it voted for last. */
  voted: { readonly generation: number; readonly step: number } | undefined;
  /** How long its engine takes for the next step in addition; infinite: it hangs. */
  extraMs: number;
  throws: boolean;
  /** Undefined while it lives. */
  outcome: { readonly at: number; readonly error: Error | undefined } | undefined;
  readonly left: Deferred<void>;
}

/** An update of a replica's parameters. */
export interface Update {
  readonly life: Life;
  /** What it had voted for last. */
  readonly generation: number | undefined;
  /** Steps that the replica had seen before, and has seen since. */
  readonly before: number;
  readonly step: number;
  readonly parameters: Float32Array;
}

export interface Surroundings {
  readonly time: VirtualTime;
  readonly random: Random;
  readonly network: Pick<FaultyNetwork, 'connectFrom'>;
  readonly dataset: Dataset;
  readonly hosts: SimulatedHosts;
  readonly chunkFloats: number | undefined;
  readonly onUpdate: (update: Update) => void;
  /** It ended by itself. */
  readonly onEnd: (life: Life) => void;
}

/** The longest that a dataset takes to load, and a step to compute, in milliseconds. */
const [longestLoadMs, longestStepMs] = [20, 8];

export function beginLife(workerId: string, surroundings: Surroundings): Life {
  const { time, random, network, dataset, hosts, chunkFloats, onEnd } = surroundings;
  const process = createSimulatedProcess(time);
  const life: Life = {
    workerId,
    process,
    drain: new AbortController(),
    isHit: false,
    step: 0,
    generation: 0,
    voted: undefined,
    extraMs: 0,
    throws: false,
    outcome: undefined,
    left: createDeferred(),
  };
  const startedAt = time.clock.now();
  const settle = (error: Error | undefined) => {
    if (life.outcome !== undefined) return;
    endLife(life, error);
    onEnd(life);
  };
  runWorker(
    {
      connect: 'memory',
      workerId,
      version: '1',
      cpu: 'x',
      timeoutSeconds,
      expected: {},
      signal: new AbortController().signal,
      drain: life.drain.signal,
    },
    {
      clock: time.clock,
      timers: process.timers,
      turn: () => pause(life, 0),
      connectSocket: network.connectFrom(process),
      sleep: (ms) => pause(life, ms),
      uptime: () => time.clock.now() - startedAt,
      // Mostly soon, so that newcomers come in while the others train.
      loadDataset: () => pause(life, 1 + random.float() ** 3 * longestLoadMs).then(() => dataset),
      ipFamilyOf: async () => 4,
      log() {},
      processorSeconds: () => 0,
      readGpu: async () => undefined,
      measureSpeed: async () => undefined,
      sharing: hosts.sharingOf(process),
      chunkFloats,
      selectEngine: async () => ({ provider: engineOf(life, surroundings), reason: 'toy' }),
    },
  ).then(
    () => settle(undefined),
    (error) => settle(error as Error),
  );
  return life;
}

/** Nothing of its process runs any more. */
export function endLife(life: Life, error: Error | undefined): void {
  life.outcome = { at: life.process.clock.now(), error };
  life.process.kill();
  life.left.resolve();
}

function engineOf(life: Life, { random, onUpdate }: Surroundings): EngineProvider {
  const provider = toyProvider({
    beforeGradients: () => compute(life, random),
    beforeEvaluation: () => pause(life, 1),
  });
  return {
    ...provider,
    async create(options): Promise<Engine> {
      const engine = await provider.create(options);
      // It makes updates of its own: what they led to is seen in losses and checkpoints.
      if (options.optimizer.local !== undefined) return engine;
      return {
        ...engine,
        async applyGradients(sum, samples) {
          const { voted, step: before } = life;
          await engine.applyGradients(sum, samples);
          // Whatever a worker applies, it has voted for.
          life.step = (voted?.step ?? Number.NaN) + 1;
          life.generation = voted?.generation ?? Number.NaN;
          const parameters = await engine.getParameters();
          onUpdate({ life, generation: voted?.generation, before, step: life.step, parameters });
        },
      };
    },
  };
}

async function compute(life: Life, random: Random): Promise<void> {
  if (life.throws) throw new Error('its engine broke');
  const { extraMs } = life;
  life.extraMs = 0;
  if (extraMs === Number.POSITIVE_INFINITY) await new Promise(() => {});
  await pause(life, 1 + random.float() * (longestStepMs - 1) + extraMs);
}

function pause({ process }: Life, ms: number): Promise<void> {
  return new Promise((resolve) => {
    process.timers.after(ms, resolve);
  });
}
