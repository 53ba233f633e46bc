/**
 * Steps of a fleet that nobody has to have: every worker computes the gradient of its share, they sum the gradients up, and
 * each begins its next step as soon as it has the sum. Event by event, and pure.
 */
import type { Link, ModelledAlgorithm, ProcessorCosts } from '../../shared/collectives/cost-model.ts';
import { meanOf, sumOf } from '../../shared/core/sums.ts';
import { type AllReduceProgram, createProgram, type SimulatedBucket } from './all-reduce-programs.ts';
import { createNetwork, type NetworkOptions, type Traffic } from './network.ts';

export interface StepsOptions {
  readonly algorithm: ModelledAlgorithm;
  readonly worldSize: number;
  /** Floats of each bucket, in the order in which they become final. */
  readonly buckets: readonly number[];
  readonly link: Link;
  /** The hub's, if it is not that of the ranks. */
  readonly hubLink?: Link | undefined;
  readonly processor: ProcessorCosts;
  /** How long each rank computes in each step, in seconds; one number where all are alike. */
  readonly computeSeconds: readonly (number | readonly number[])[];
  /**
   * The last part of computing in which buckets become final, at even pace: 0, all at the end, to 1, from the start. Sending
   * them takes no time from computing.
   */
  readonly overlap: number;
  /** Processors that all processes share in exchanging; undefined: each has one of its own. */
  readonly cores?: number | undefined;
  readonly observe?: NetworkOptions['observe'];
}

export interface SimulatedSteps {
  /**
   * A single step: from the start of computing until the last rank has the sum. Several: what each takes after the first,
   * which nothing came before.
   */
  readonly seconds: number;
  /** How long the slowest rank computes in these steps, on average. */
  readonly slowestSeconds: number;
  /** Steps that were simulated: the first ones, and fewer where they have very many messages. */
  readonly steps: number;
  /** When each of the simulated ranks had the sum, by step. */
  readonly rankSeconds: readonly (readonly number[])[];
  /** Messages that were simulated. */
  readonly messages: number;
  /** First come the simulated ranks, and then the hub, if there is one. */
  readonly traffic: Traffic;
  readonly busiest: Busiest;
}

/** What is busy for the largest part of the exchange. */
export interface Busiest {
  /** delay: nothing is busy for even a third of it, so what counts is how long messages are on their way. */
  readonly what: 'link' | 'processor' | 'delay';
  readonly of: 'hub' | 'rank';
  /** Busy seconds ÷ seconds of the exchange. */
  readonly part: number;
}

/** Messages that a simulation takes at most, if joining buckets or leaving out steps can help it: a quarter of a second. */
const mostMessages = 1 << 16;

export function simulateSteps(options: StepsOptions): SimulatedSteps {
  const { worldSize, algorithm } = options;
  const all = options.computeSeconds.map((given) => createCompute(given, worldSize));
  if (worldSize === 1) return aloneFor(all);
  const simulated = ranksToSimulate(options, all);
  const perBucket = messagesOf(algorithm, worldSize, simulated);
  const buckets = joinBuckets(options.buckets, Math.floor(mostMessages / perBucket));
  const compute = all.slice(0, Math.max(1, Math.floor(mostMessages / (perBucket * buckets.length))));

  const ends = compute.map(() => Array<number>(simulated).fill(0));
  const { traffic, messages } = play({ ...options, compute, simulated, buckets }, (step, rank, now) => {
    (ends[step] as number[])[rank] = now;
  });
  const lastEnds = ends.map((times) => Math.max(...times));
  const [first = 0, last = 0] = [lastEnds[0], lastEnds.at(-1)];
  const settled = compute.length === 1 ? compute : compute.slice(1);
  const computing = compute.map(({ slowest }) => slowest * (1 - options.overlap));
  return {
    seconds: compute.length === 1 ? last : (last - first) / (compute.length - 1),
    slowestSeconds: meanOf(settled.map(({ slowest }) => slowest)),
    steps: compute.length,
    rankSeconds: ends,
    messages,
    traffic,
    busiest: busiestIn(traffic, simulated, last - sumOf(computing)),
  };
}

/** How long ranks compute in a step. */
interface Compute {
  readonly slowest: number;
  readonly areAlike: boolean;
  readonly of: (rank: number) => number;
}

function createCompute(given: number | readonly number[], worldSize: number): Compute {
  if (typeof given === 'number') return { slowest: given, areAlike: true, of: () => given };
  if (given.length !== worldSize)
    throw new Error(`simulateSteps: times of ${given.length} ranks, expected ${worldSize}`);
  return {
    slowest: given.reduce((most, seconds) => Math.max(most, seconds), 0),
    areAlike: given.every((seconds) => seconds === given[0]),
    of: (rank) => given[rank] as number,
  };
}

function aloneFor(compute: readonly Compute[]): SimulatedSteps {
  const seconds = meanOf(compute.map(({ slowest }) => slowest));
  const ends = compute.map((_, step) => [sumOf(compute.slice(0, step + 1).map(({ slowest }) => slowest))]);
  return {
    seconds,
    slowestSeconds: seconds,
    steps: compute.length,
    rankSeconds: ends,
    messages: 0,
    traffic: { sentBytes: [0], receivedBytes: [0], outSeconds: [0], inSeconds: [0], processorSeconds: [0] },
    busiest: { what: 'delay', of: 'rank', part: 0 },
  };
}

interface Play extends Omit<StepsOptions, 'buckets'> {
  readonly compute: readonly Compute[];
  /** Ranks that are simulated. */
  readonly simulated: number;
  readonly buckets: readonly SimulatedBucket[];
}

/** @param finished a rank has the sum of a step */
function play(
  { algorithm, worldSize, link, hubLink = link, processor, overlap, cores, observe, compute, simulated, buckets }: Play,
  finished: (step: number, rank: number, now: number) => void,
): { readonly traffic: Traffic; readonly messages: number } {
  const rank = { link, processor };
  const hub = { link: hubLink, processor };
  let messages = 0;
  const network = createNetwork({
    processes: [...Array<typeof rank>(simulated).fill(rank), ...(algorithm === 'star' ? [hub] : [])],
    cores,
    onDelivered: (message, now) => programs[message.step]?.delivered(message, now),
    observe,
  });
  const left = compute.map(() => Array<number>(simulated).fill(0));
  const programs: readonly AllReduceProgram[] = compute.map((_, step) => {
    const program = createProgram(algorithm, {
      step,
      worldSize,
      simulated,
      buckets,
      takesTurns: compute.length > 1,
      send(message, now) {
        messages += 1;
        network.send(message, now);
      },
      took(rank, now) {
        const parts = left[step] as number[];
        parts[rank] = (parts[rank] as number) - 1;
        if (parts[rank] !== 0) return;
        finished(step, rank, now);
        begin(step + 1, rank, now);
      },
    });
    left[step]?.fill(program.parts);
    return program;
  });

  function begin(step: number, rank: number, now: number): void {
    const own = compute[step];
    if (own === undefined) return;
    // The one rank that stands for all is as late as the slowest.
    const seconds = simulated === worldSize ? own.of(rank) : own.slowest;
    for (const [bucket, ready] of readyTimes(buckets, seconds, overlap).entries()) {
      network.at(now + ready, (then) => programs[step]?.ready(rank, bucket, then));
    }
  }

  for (let rank = 0; rank < simulated; rank++) begin(0, rank, 0);
  const traffic = network.run();
  if (left.flat().some((parts) => parts !== 0)) throw new Error(`${algorithm}: a rank lacks parts of the sum`);
  return { traffic, messages };
}

/**
 * One rank stands for all where they are alike, and also where there would be too many messages: who exchanges with all others
 * gets hardly anything done before the slowest has begun.
 */
function ranksToSimulate({ algorithm, worldSize, buckets, cores }: StepsOptions, compute: readonly Compute[]): number {
  if (algorithm === 'star' || cores !== undefined) return worldSize;
  const all = compute.length * buckets.length * messagesOf(algorithm, worldSize, worldSize);
  return compute.every(({ areAlike }) => areAlike) || all > mostMessages ? 1 : worldSize;
}

/** Messages of a bucket. */
function messagesOf(algorithm: ModelledAlgorithm, worldSize: number, simulated: number): number {
  switch (algorithm) {
    case 'star':
      return 2 * worldSize;
    case 'mesh':
      return simulated * (worldSize - 1);
    case 'mesh-two-shot':
    case 'ring':
      return 2 * simulated * (worldSize - 1);
    default:
      return algorithm satisfies never;
  }
}

/** Takes neighbours for one, so that there are so many buckets at most. Each still costs its messages. */
function joinBuckets(floats: readonly number[], most: number): readonly SimulatedBucket[] {
  const joined = Math.max(1, Math.min(floats.length, most));
  const edge = (index: number) => Math.round((index * floats.length) / joined);
  return Array.from({ length: joined }, (_, index) => {
    const own = floats.slice(edge(index), edge(index + 1));
    return { floats: sumOf(own), count: own.length };
  });
}

/** When each bucket is final: as many floats a second become final in the last `overlap` of computing. */
function readyTimes(buckets: readonly SimulatedBucket[], computeSeconds: number, overlap: number): readonly number[] {
  const total = sumOf(buckets.map(({ floats }) => floats));
  let left = total;
  return buckets.map(({ floats }) => {
    left -= floats;
    return computeSeconds * (1 - (overlap * left) / total);
  });
}

function busiestIn(traffic: Traffic, ranks: number, seconds: number): Busiest {
  const parts = [
    { what: 'link' as const, busy: traffic.outSeconds },
    { what: 'link' as const, busy: traffic.inSeconds },
    { what: 'processor' as const, busy: traffic.processorSeconds },
  ].flatMap(({ what, busy }) =>
    busy.map((time, process) => ({
      what,
      of: process < ranks ? ('rank' as const) : ('hub' as const),
      part: seconds > 0 ? time / seconds : 0,
    })),
  );
  const most = parts.reduce((a, b) => (b.part > a.part ? b : a));
  return most.part < 1 / 3 ? { ...most, what: 'delay' } : most;
}
