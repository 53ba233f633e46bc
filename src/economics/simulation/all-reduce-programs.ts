/**
 * What each process does in an all-reduce: whom it sends what when a bucket of its gradient is final, and when a message has
 * come. Pure.
 */
import type { ModelledAlgorithm } from '../../shared/collectives/cost-model.ts';
import type { Message } from './network.ts';

/** A bucket of the gradient, or several that are taken for one. */
export interface SimulatedBucket {
  readonly floats: number;
  /** How many buckets it is. */
  readonly count: number;
}

/** What a program acts on. */
export interface Stage {
  readonly step: number;
  readonly worldSize: number;
  /**
   * Ranks that are simulated: all, or one. If all are alike, a ring and a mesh look the same from every rank: what a rank
   * sends to the one k places on, it gets at the same moment from the one k places back. So one rank that sends to itself
   * stands for all.
   */
  readonly simulated: number;
  readonly buckets: readonly SimulatedBucket[];
  /** Whether a hub gives its ranks the last bucket a turn at a time: it matters to what comes after the step. */
  readonly takesTurns: boolean;
  send(message: Message, now: number): void;
  /** A rank has so many more parts of the sum: with its own floats, or with the message that came last. */
  took(rank: number, now: number): void;
}

export interface AllReduceProgram {
  /** How often `took` is called for each rank until it has the whole sum. */
  readonly parts: number;
  /** A bucket of a rank's own gradient is final. */
  ready(rank: number, bucket: number, now: number): void;
  delivered(message: Message, now: number): void;
}

export function createProgram(algorithm: ModelledAlgorithm, stage: Stage): AllReduceProgram {
  return programs[algorithm](stage);
}

/**
 * What a connection takes at a time, in floats: 256 KiB. With several to send to, a hub goes on to the next one when the
 * system's buffer for this one is full. So who is first has its sum earlier than who is last, and begins its next step while
 * others still receive; without turns it would have it earlier still.
 */
const turnFloats = 1 << 16;

/** Ranks send buckets to the hub, which is the process after the last rank, and the hub sends sums back. */
function createStar({ step, worldSize, buckets, takesTurns, send, took }: Stage): AllReduceProgram {
  const hub = worldSize;
  const missing = buckets.map(() => worldSize);
  const last = buckets.length - 1;
  /** How many messages a sum is sent in. */
  const turnsOf = (bucket: number) =>
    takesTurns && bucket === last ? Math.ceil((buckets[bucket] as SimulatedBucket).floats / turnFloats) : 1;
  return {
    parts: last + turnsOf(last),
    ready(rank, bucket, now) {
      const { floats, count } = buckets[bucket] as SimulatedBucket;
      // The sum begins as the gradient of rank 0.
      send({ from: rank, to: hub, floats, count, isAdded: rank > 0, step, bucket, hop: 0 }, now);
    },
    delivered({ to, bucket }, now) {
      if (to !== hub) return took(to, now);
      missing[bucket] = (missing[bucket] as number) - 1;
      if (missing[bucket] !== 0) return;
      const turns = turnsOf(bucket);
      const whole = buckets[bucket] as SimulatedBucket;
      const [floats, count] = [whole.floats / turns, whole.count / turns];
      for (let turn = 0; turn < turns; turn++) {
        for (let rank = 0; rank < worldSize; rank++) {
          send({ from: hub, to: rank, floats, count, isAdded: false, step, bucket, hop: 1 }, now);
        }
      }
    },
  };
}

/** Each rank sends its buckets to all others, which add them up by themselves. */
function createMesh(stage: Stage): AllReduceProgram {
  const { worldSize, buckets, took } = stage;
  return {
    parts: buckets.length * worldSize,
    ready(rank, bucket, now) {
      const { floats, count } = buckets[bucket] as SimulatedBucket;
      took(rank, now);
      sendToOthers(rank, stage, now, { floats, count, isAdded: true, bucket, hop: 0 });
    },
    delivered: ({ to }, now) => took(to, now),
  };
}

/** Each rank adds up its own part of each bucket, with what all others send it of that part, and sends the sum to all. */
function createTwoShot(stage: Stage): AllReduceProgram {
  const { worldSize, simulated, buckets, took } = stage;
  /** By rank and bucket: parts that are not there. The rank's own is one of them. */
  const missing = Array.from({ length: simulated }, () => buckets.map(() => worldSize));
  function came(rank: number, bucket: number, now: number): void {
    const left = missing[rank] as number[];
    left[bucket] = (left[bucket] as number) - 1;
    if (left[bucket] !== 0) return;
    took(rank, now);
    const { floats, count } = buckets[bucket] as SimulatedBucket;
    sendToOthers(rank, stage, now, { floats: floats / worldSize, count, isAdded: false, bucket, hop: 1 });
  }
  return {
    parts: buckets.length * worldSize,
    ready(rank, bucket, now) {
      const { floats, count } = buckets[bucket] as SimulatedBucket;
      sendToOthers(rank, stage, now, { floats: floats / worldSize, count, isAdded: true, bucket, hop: 0 });
      came(rank, bucket, now);
    },
    delivered({ to, bucket, hop }, now) {
      if (hop === 0) came(to, bucket, now);
      else took(to, now);
    },
  };
}

/**
 * Each bucket is cut into N parts. A part goes around once, and every rank adds its own floats; it goes around once more,
 * and every rank keeps the sum.
 */
function createRing({ step, worldSize, simulated, buckets, send, took }: Stage): AllReduceProgram {
  const hops = 2 * (worldSize - 1);
  /** By rank and bucket: whether the rank's own is final, and what has to wait for it. */
  const isReady = Array.from({ length: simulated }, () => buckets.map(() => false));
  const waiting: Message[][][] = Array.from({ length: simulated }, () => buckets.map(() => []));
  function pass({ to: rank, bucket, floats, count, hop }: Message, now: number): void {
    if (hop + 1 >= worldSize - 1) took(rank, now);
    if (hop + 1 === hops) return;
    const [from, to] = [rank, (rank + 1) % simulated];
    send({ from, to, floats, count, isAdded: hop + 1 < worldSize - 1, step, bucket, hop: hop + 1 }, now);
  }
  return {
    parts: buckets.length * worldSize,
    ready(rank, bucket, now) {
      const { floats, count } = buckets[bucket] as SimulatedBucket;
      const to = (rank + 1) % simulated;
      send({ from: rank, to, floats: floats / worldSize, count, isAdded: true, step, bucket, hop: 0 }, now);
      (isReady[rank] as boolean[])[bucket] = true;
      for (const message of waiting[rank]?.[bucket] ?? []) pass(message, now);
    },
    delivered(message, now) {
      if (isReady[message.to]?.[message.bucket] === true) pass(message, now);
      else waiting[message.to]?.[message.bucket]?.push(message);
    },
  };
}

function sendToOthers(
  from: number,
  { step, worldSize, simulated, send }: Stage,
  now: number,
  { floats, count, isAdded, bucket, hop }: Omit<Message, 'from' | 'to' | 'step'>,
): void {
  // Everybody begins with another receiver, so that no way in is crowded.
  for (let places = 1; places < worldSize; places++) {
    send({ from, to: (from + places) % simulated, floats, count, isAdded, step, bucket, hop }, now);
  }
}

const programs: Readonly<Record<ModelledAlgorithm, (stage: Stage) => AllReduceProgram>> = {
  star: createStar,
  mesh: createMesh,
  'mesh-two-shot': createTwoShot,
  ring: createRing,
};
