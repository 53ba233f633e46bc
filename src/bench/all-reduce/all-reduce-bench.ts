/**
 * Measures how fast vectors are summed over processes of this host, or of hosts with links that have a rate: by each collective
 * that `--all-reduce` offers, and by PyTorch over gloo.
 */
import { allReduceNames, collectiveOf } from '../../shared/collectives/registry.ts';
import { messageOf, PennygradError } from '../../shared/core/errors.ts';
import { medianOf, sumOf } from '../../shared/core/sums.ts';
import type { Processes } from '../peers/processes.ts';
import { roundRobin } from '../peers/schedule.ts';
import { bandwidthsOf, reductionsFor } from './bandwidth.ts';
import { findGloo, startGlooRanks } from './gloo.ts';
import { createNetworkHosts, type NetworkHosts } from './network-hosts.ts';
import { type Ranks, type RanksOptions, type Reduced, startRanks, thisHost } from './ranks.ts';

export interface AllReduceBenchOptions {
  readonly worlds: readonly number[];
  /** Lengths of the vectors. */
  readonly floats: readonly number[];
  /** Rates of links, in bits per second; undefined for processes of this host. */
  readonly links: readonly (number | undefined)[];
  /** Extra delay of messages, each way, in seconds; undefined for none. */
  readonly delays: readonly (number | undefined)[];
  readonly rounds: number;
  /** How long each algorithm is measured in a round. */
  readonly seconds: number;
  readonly processes: Processes;
  readonly onProgress: (line: string) => void;
  /** Aborted when the benchmark is to stop; whoever aborts it ends the processes. */
  readonly signal: AbortSignal;
}

/** What was measured of one algorithm, or why nothing was. */
export interface AllReduceRow {
  readonly algorithm: string;
  /** What carries the floats. */
  readonly path: string;
  /** The rate of each process's link, in bits per second; undefined on this host. */
  readonly linkBitsPerSecond: number | undefined;
  /** Extra delay of a message, each way; undefined for none. */
  readonly delaySeconds: number | undefined;
  /** Processes that take part. */
  readonly world: number;
  /** Length of the vector that each hands in. */
  readonly count: number;
  readonly sizeBytes: number;
  readonly measured: Measured | undefined;
  /** Why nothing was measured. */
  readonly absent: string | undefined;
}

export interface Measured {
  /** The median of the rounds, and each of them. A round's is the median of its reductions for their slowest rank. */
  readonly timeUs: number;
  readonly roundsUs: readonly number[];
  readonly algbwGbPerSecond: number;
  readonly busbwGbPerSecond: number;
  /** Floats that differ from a plain sum, over all ranks and reductions. */
  readonly wrong: number;
  /** Time ÷ that of gloo, as the median over the rounds; undefined where gloo was not measured. */
  readonly timeToGloo: number | undefined;
}

interface Algorithm {
  readonly name: string;
  readonly path: string;
  /** Whether it needs a host that all ranks are on. */
  readonly needsMemory: boolean;
  readonly start: (options: RanksOptions) => Promise<Ranks>;
}

const gloo = 'gloo';

/** One row for each number of processes, length and algorithm, in this order. */
export async function benchAllReduce(options: AllReduceBenchOptions): Promise<readonly AllReduceRow[]> {
  const { processes } = options;
  // Once: what is not found at first is not found later.
  const python = findGloo(processes);
  python.catch(() => {});
  const algorithms: readonly Algorithm[] = [
    ...allReduceNames.flatMap((name) => {
      const overNetwork: Algorithm = {
        name,
        path: 'ZeroMQ',
        needsMemory: false,
        start: (ranks) => startRanks(ranks, name, 'network'),
      };
      if (collectiveOf(name).readsPeers !== true) return [overNetwork];
      const inMemory: Algorithm = {
        name,
        path: 'shared memory',
        needsMemory: true,
        start: (ranks) => startRanks(ranks, name, 'memory'),
      };
      return [inMemory, overNetwork];
    }),
    {
      name: gloo,
      path: 'TCP',
      needsMemory: false,
      start: async (ranks) => {
        if (ranks.delaySeconds !== undefined)
          throw new Error('its ranks connect by themselves, past what delays others');
        return startGlooRanks(ranks, await python);
      },
    },
  ];
  const rows: AllReduceRow[] = [];
  for (const link of options.links) {
    for (const delay of options.delays) {
      const isOnOneHost = link === undefined && delay === undefined;
      const possible = algorithms.filter(({ needsMemory }) => isOnOneHost || !needsMemory);
      for (const world of options.worlds) rows.push(...(await measureWorld(possible, world, { link, delay }, options)));
    }
  }
  return rows;
}

/** A host for each rank, and one for a hub, where links are given. */
async function measureWorld(
  algorithms: readonly Algorithm[],
  world: number,
  { link, delay }: { readonly link: number | undefined; readonly delay: number | undefined },
  options: AllReduceBenchOptions,
): Promise<readonly AllReduceRow[]> {
  const network = makeNetwork(world + 1, link, options.onProgress);
  const rate = network === undefined ? undefined : link;
  const rows: AllReduceRow[] = [];
  try {
    for (const floats of options.floats) {
      const placeOf = (rank: number) => network?.hosts[rank] ?? thisHost;
      const side = { processes: options.processes, world, floats, placeOf, delaySeconds: delay };
      rows.push(...(await measureSide(algorithms, side, rate, options)));
    }
  } finally {
    network?.close();
  }
  return rows;
}

/** @returns undefined where none is wanted, or none can be made: then it says so */
function makeNetwork(
  hosts: number,
  link: number | undefined,
  onProgress: AllReduceBenchOptions['onProgress'],
): NetworkHosts | undefined {
  if (link === undefined) return undefined;
  try {
    return createNetworkHosts(hosts, link);
  } catch (error) {
    onProgress(`${messageOf(error)}; measuring on this host instead`);
    return undefined;
  }
}

/** Measures all algorithms side by side: all are started, and take turns. */
async function measureSide(
  algorithms: readonly Algorithm[],
  side: RanksOptions,
  link: number | undefined,
  { rounds, seconds, onProgress, signal }: AllReduceBenchOptions,
): Promise<readonly AllReduceRow[]> {
  const { world, floats, delaySeconds } = side;
  const linkText = link === undefined ? '' : `link ${link / 1e6} Mbit/s, `;
  const delayText = delaySeconds === undefined ? '' : `delay ${delaySeconds * 1000} ms, `;
  const what = `${linkText}${delayText}world ${world}, floats ${floats}`;
  const running = new Map<Algorithm, { readonly ranks: Ranks; readonly reductions: number }>();
  const absent = new Map<Algorithm, string>();
  const measured = new Map<Algorithm, Reduced[]>(algorithms.map((algorithm) => [algorithm, []]));
  const lose = (algorithm: Algorithm, error: unknown) => {
    if (signal.aborted) throw new PennygradError('interrupted', 'interrupted before all was measured');
    running.get(algorithm)?.ranks.stop();
    running.delete(algorithm);
    absent.set(algorithm, messageOf(error));
    onProgress(`${what}, ${algorithm.name}: not measured: ${messageOf(error)}`);
  };
  for (const algorithm of algorithms) {
    try {
      const ranks = await algorithm.start(side);
      running.set(algorithm, { ranks, reductions: 0 });
      running.set(algorithm, { ranks, reductions: await warmUp(ranks, seconds) });
    } catch (error) {
      lose(algorithm, error);
    }
  }
  for (const { round, candidate } of roundRobin([...running.keys()], [floats], rounds)) {
    const turn = running.get(candidate);
    if (turn === undefined) continue;
    try {
      const reduced = await turn.ranks.reduce(turn.reductions);
      measured.get(candidate)?.push(reduced);
      const microseconds = (reduced.seconds * 1e6).toFixed(0);
      onProgress(`${what}, round ${round + 1} of ${rounds}, ${candidate.name}, ${candidate.path}: ${microseconds} µs`);
    } catch (error) {
      lose(candidate, error);
    }
  }
  for (const { ranks } of running.values()) ranks.stop();
  const roundsOf = (algorithm: Algorithm) => (absent.has(algorithm) ? [] : (measured.get(algorithm) ?? []));
  const baseline = algorithms.flatMap((algorithm) => (algorithm.name === gloo ? roundsOf(algorithm) : []));
  return algorithms.map((algorithm) => {
    const sizeBytes = floats * Float32Array.BYTES_PER_ELEMENT;
    const reason = absent.get(algorithm);
    return {
      algorithm: algorithm.name,
      path: algorithm.path,
      linkBitsPerSecond: link,
      delaySeconds,
      world,
      count: floats,
      sizeBytes,
      measured: reason === undefined ? summarize(roundsOf(algorithm), baseline, sizeBytes, world) : undefined,
      absent: reason,
    };
  });
}

/** The first reductions are slow: code is compiled and memory taken. @returns how many reductions fill a round */
async function warmUp(ranks: Ranks, seconds: number): Promise<number> {
  const first = await ranks.reduce(3);
  const warm = await ranks.reduce(reductionsFor(seconds, first.seconds));
  return reductionsFor(seconds, warm.seconds);
}

/** @param baseline the rounds of gloo; empty where it was not measured */
export function summarize(
  rounds: readonly Reduced[],
  baseline: readonly Reduced[],
  sizeBytes: number,
  world: number,
): Measured {
  const seconds = medianOf(rounds.map((round) => round.seconds));
  const { algorithm, bus } = bandwidthsOf(sizeBytes, seconds, world);
  const ratios = rounds.map((round, index) => round.seconds / (baseline[index]?.seconds ?? Number.NaN));
  return {
    timeUs: seconds * 1e6,
    roundsUs: rounds.map((round) => round.seconds * 1e6),
    algbwGbPerSecond: algorithm,
    busbwGbPerSecond: bus,
    wrong: sumOf(rounds.map(({ wrong }) => wrong)),
    timeToGloo: baseline.length === 0 ? undefined : medianOf(ratios),
  };
}
