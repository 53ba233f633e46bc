/**
 * A step of a fleet that nobody has to have: every worker computes the gradient of its share, and they sum the gradients up,
 * event by event. Pure.
 */
import type { Link, ModelledAlgorithm, ProcessorCosts } from '../../shared/collectives/cost-model.ts';
import { sumOf } from '../../shared/core/sums.ts';
import { createProgram, type SimulatedBucket } from './all-reduce-programs.ts';
import { createNetwork, type Message, type NetworkOptions, type Traffic } from './network.ts';

export interface StepOptions {
  readonly algorithm: ModelledAlgorithm;
  readonly worldSize: number;
  /** Floats of each bucket, in the order in which they become final. */
  readonly buckets: readonly number[];
  readonly link: Link;
  /** The hub's, if it is not that of the ranks. */
  readonly hubLink?: Link | undefined;
  readonly processor: ProcessorCosts;
  /** How long each rank computes, in seconds; one number where all are alike. */
  readonly computeSeconds: number | readonly number[];
  /**
   * The last part of computing in which buckets become final, at even pace: 0, all at the end, to 1, from the start. Sending
   * them takes no time from computing.
   */
  readonly overlap: number;
  /** Processors that all processes share in exchanging; undefined: each has one of its own. */
  readonly cores?: number | undefined;
  readonly observe?: NetworkOptions['observe'];
}

export interface SimulatedStep {
  /** From the start of computing until the last rank has the sum. */
  readonly seconds: number;
  /** When each of the simulated ranks has it. */
  readonly rankSeconds: readonly number[];
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

/** Messages that a simulation takes at most, if joining buckets can help it: a quarter of a second. */
const mostMessages = 1 << 16;

export function simulateStep(options: StepOptions): SimulatedStep {
  const { algorithm, worldSize, link, processor } = options;
  const compute = Array.from({ length: worldSize }, (_, rank) =>
    typeof options.computeSeconds === 'number' ? options.computeSeconds : (options.computeSeconds[rank] as number),
  );
  const slowest = compute.reduce((most, seconds) => Math.max(most, seconds), 0);
  if (worldSize === 1) return aloneFor(slowest);
  const simulated = ranksToSimulate(options, compute);
  const perBucket = messagesOf(algorithm, worldSize, simulated);
  const buckets = joinBuckets(options.buckets, Math.floor(mostMessages / perBucket));

  const ends = Array<number>(simulated).fill(0);
  const taken = Array<number>(simulated).fill(0);
  const rank = { link, processor };
  const hub = { link: options.hubLink ?? link, processor };
  const network = createNetwork({
    processes: [...Array<typeof rank>(simulated).fill(rank), ...(algorithm === 'star' ? [hub] : [])],
    cores: options.cores,
    onDelivered: (message, now) => program.delivered(message, now),
    observe: options.observe,
  });
  const program = createProgram(algorithm, {
    worldSize,
    simulated,
    buckets,
    send: (message: Message, now) => network.send(message, now),
    took(rank, now) {
      taken[rank] = (taken[rank] as number) + 1;
      ends[rank] = now;
    },
  });
  // The one rank that stands for all is as late as the slowest.
  const computeOf = (rank: number) => (simulated === worldSize ? (compute[rank] as number) : slowest);
  for (let rank = 0; rank < simulated; rank++) {
    for (const [bucket, seconds] of readyTimes(buckets, computeOf(rank), options.overlap).entries()) {
      network.at(seconds, (now) => program.ready(rank, bucket, now));
    }
  }
  const traffic = network.run();
  if (taken.some((parts) => parts !== program.parts)) throw new Error(`${algorithm}: a rank lacks parts of the sum`);
  const seconds = Math.max(slowest, ...ends);
  const began = Math.min(...readyTimes(buckets, slowest, options.overlap));
  return {
    seconds,
    rankSeconds: ends,
    messages: perBucket * buckets.length,
    traffic,
    busiest: busiestIn(traffic, simulated, seconds - began),
  };
}

function aloneFor(seconds: number): SimulatedStep {
  const traffic = { sentBytes: [0], receivedBytes: [0], outSeconds: [0], inSeconds: [0], processorSeconds: [0] };
  const busiest: Busiest = { what: 'delay', of: 'rank', part: 0 };
  return { seconds, rankSeconds: [seconds], messages: 0, traffic, busiest };
}

/**
 * One rank stands for all where they are alike, and also where there would be too many messages: who exchanges with all others
 * gets hardly anything done before the slowest has begun.
 */
function ranksToSimulate({ algorithm, worldSize, buckets, cores }: StepOptions, compute: readonly number[]): number {
  if (algorithm === 'star' || cores !== undefined) return worldSize;
  const areAlike = compute.every((seconds) => seconds === compute[0]);
  const all = buckets.length * messagesOf(algorithm, worldSize, worldSize);
  return areAlike || all > mostMessages ? 1 : worldSize;
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
