/**
 * How long an all-reduce takes, by a formula, so that one can be chosen before anything was tried. Pure.
 *
 * A message of m bytes takes α + m β (Hockney, "The communication challenge for MPP: Intel Paragon and Meiko CS-2", Parallel
 * Computing 20, 1994), and adding a float takes γ. The formulas of ring, reduce-scatter and all-gather are those of Thakur,
 * Rabenseifner and Gropp ("Optimization of Collective Communication Operations in MPICH", International Journal of High
 * Performance Computing Applications 19, 2005). Three things are added, which decide at the sizes that occur here:
 *
 * - Links are full-duplex, and a gradient travels in buckets, so that sums return while later buckets leave.
 * - The star's hub has one link for all ranks.
 * - Processors copy what they send and receive. Where that takes longer than the link, it is what counts.
 */
import type { Interval } from '../core/sampling.ts';

/** The all-reduces of the registry that have a formula here. */
export const modelledAlgorithms = ['star', 'mesh', 'mesh-two-shot', 'ring'] as const;
export type ModelledAlgorithm = (typeof modelledAlgorithms)[number];

/** A process's connection to all others: full-duplex. */
export interface Link {
  /** From the start of sending to the start of receiving, in seconds. */
  readonly delaySeconds: number;
  /** What each direction carries, without headers: 1 / β. Infinity where only processors limit it. */
  readonly bytesPerSecond: number;
}

/** What messages cost the processor of a process, which does one thing at a time. */
export interface ProcessorCosts {
  /** For a message, at each end. */
  readonly secondsPerMessage: number;
  /** For a byte of a message, at each end. */
  readonly secondsPerByte: number;
  /** γ: for a float that is added to a sum. */
  readonly secondsPerAddition: number;
}

/** What a codec costs the processor of a process. */
export interface CodecCosts {
  readonly secondsPerEncodedFloat: number;
  /** Floats that come of it, those that were not sent among them. */
  readonly secondsPerDecodedFloat: number;
}

export interface Exchange {
  readonly worldSize: number;
  /** Floats of each bucket of the gradient. */
  readonly buckets: readonly number[];
  /** Every rank's, and the hub's. */
  readonly link: Link;
  readonly processor: ProcessorCosts;
}

export const bytesPerFloat = Float32Array.BYTES_PER_ELEMENT;

/**
 * What of an Ethernet link's rate is left for gradients: of 1,538 bytes that a full frame takes, with preamble and gap, 1,448
 * are payload of TCP with time stamps.
 */
const payloadPart = 1448 / 1538;

/** The link that carries so many bits per second, headers included. */
export function linkOf(bitsPerSecond: number, delaySeconds: number): Link {
  return { delaySeconds, bytesPerSecond: (payloadPart * bitsPerSecond) / 8 };
}

/** A link's rate, headers included: what `linkOf` was given. */
export function bitsPerSecondOf({ bytesPerSecond }: Link): number {
  return (8 * bytesPerSecond) / payloadPart;
}

/** The link that all wait for: its delay and its rate are the worst of these. @throws if there are none */
export function slowestOf(links: readonly Link[]): Link {
  if (links.length === 0) throw new Error('slowestOf: there are no links');
  return {
    delaySeconds: Math.max(...links.map(({ delaySeconds }) => delaySeconds)),
    bytesPerSecond: Math.min(...links.map(({ bytesPerSecond }) => bytesPerSecond)),
  };
}

/** The lengths of buckets, in the order in which they are handed over: from the end, where the backward pass begins. */
export function lengthsOf(buckets: readonly Interval[]): readonly number[] {
  return buckets.map(({ from, to }) => to - from).reverse();
}

/**
 * Seconds from the moment at which all ranks have their whole gradient to that at which all have the sum. All buckets are
 * taken to be equally long.
 */
export function allReduceSeconds(algorithm: ModelledAlgorithm, exchange: Exchange): number {
  return exchange.worldSize === 1 ? 0 : formulas[algorithm](exchange);
}

export interface Estimate {
  readonly algorithm: ModelledAlgorithm;
  readonly seconds: number;
}

/** The estimates of these algorithms, the shortest first. Of equals, the first that was named comes first. */
export function rankAllReduces(algorithms: readonly ModelledAlgorithm[], exchange: Exchange): readonly Estimate[] {
  return algorithms
    .map((algorithm) => ({ algorithm, seconds: allReduceSeconds(algorithm, exchange) }))
    .sort((a, b) => a.seconds - b.seconds);
}

/** The seconds that a message of some floats takes in each place that it passes. */
function stagesOf(floats: number, { link, processor }: Exchange) {
  const bytes = floats * bytesPerFloat;
  return {
    delay: link.delaySeconds,
    wire: bytes / link.bytesPerSecond,
    /** At each end. */
    end: processor.secondsPerMessage + bytes * processor.secondsPerByte,
    add: floats * processor.secondsPerAddition,
  };
}

/** Buckets, as a number of equal ones. */
function evenBuckets({ buckets }: Exchange) {
  return { count: buckets.length, floats: buckets.reduce((sum, floats) => sum + floats, 0) / buckets.length };
}

/**
 * 2 α + (k + 1) N n / k β for k buckets: N b β for each until the hub has all, and as long for the last sums. What takes the
 * hub's processor longer than its link counts instead.
 */
function starSeconds(exchange: Exchange): number {
  const { worldSize } = exchange;
  const { count, floats } = evenBuckets(exchange);
  const { delay, wire, end, add } = stagesOf(floats, exchange);
  // The hub adds all gradients but the first, which the sum begins with.
  const [taking, giving] = [end + (add * (worldSize - 1)) / worldSize, end];
  // Between the first bucket and the last, the hub takes and gives at once.
  const between = (count - 1) * worldSize * Math.max(wire, taking + giving);
  const firstAndLast = worldSize * (Math.max(wire, taking) + Math.max(wire, giving));
  const ends = Math.min(wire, taking) + Math.min(wire, giving);
  return 2 * (delay + end) + between + firstAndLast + ends;
}

/** α + (N − 1) n β: whatever the buckets, every rank sends and receives N − 1 gradients of n bytes. */
function meshSeconds(exchange: Exchange): number {
  const { count, floats } = evenBuckets(exchange);
  const stages = stagesOf(floats, exchange);
  const { delay, wire, end, add } = stages;
  const messages = count * (exchange.worldSize - 1);
  return Math.max(messages * wire + delay + 2 * end + add, copyingSeconds(messages, stages, add));
}

/** 2 α + 2 (N − 1) / N n β for one bucket: a reduce-scatter and an all-gather, each by direct messages. */
function twoShotSeconds(exchange: Exchange): number {
  const { count, floats } = evenBuckets(exchange);
  const stages = stagesOf(floats / exchange.worldSize, exchange);
  const { delay, wire, end, add } = stages;
  const others = exchange.worldSize - 1;
  const messages = count * others;
  const byLink = Math.max(2 * messages * wire + delay, (count + 1) * others * wire + 2 * delay);
  const byProcessor = copyingSeconds(messages, stages, add) + copyingSeconds(messages, stages, 0);
  return Math.max(byLink + 4 * end + add, byProcessor);
}

/** A rank that sends and receives so many messages at once: it sends first, and what it gets comes meanwhile. */
function copyingSeconds(messages: number, { delay, wire, end }: ReturnType<typeof stagesOf>, add: number): number {
  return Math.max(delay + wire + end, messages * end) + messages * (end + add);
}

/** 2 (N − 1) (α + n / N β) for one bucket; more buckets go around one behind the other. */
function ringSeconds(exchange: Exchange): number {
  const others = exchange.worldSize - 1;
  const { count, floats } = evenBuckets(exchange);
  const { delay, wire, end, add } = stagesOf(floats / exchange.worldSize, exchange);
  const lap = others * (2 * (delay + wire + 2 * end) + add);
  const byDelay = lap + (count - 1) * Math.max(wire, 2 * end + add);
  const byLink = 2 * count * others * wire + delay + 2 * end;
  const byProcessor = count * others * (4 * end + add) + delay + wire;
  return Math.max(byDelay, byLink, byProcessor);
}

const formulas: Readonly<Record<ModelledAlgorithm, (exchange: Exchange) => number>> = {
  star: starSeconds,
  mesh: meshSeconds,
  'mesh-two-shot': twoShotSeconds,
  ring: ringSeconds,
};
