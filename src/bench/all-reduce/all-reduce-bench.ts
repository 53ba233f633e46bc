/**
 * Measures how fast vectors are summed over processes of this host: by each collective that `--all-reduce` offers, and by
 * PyTorch over gloo.
 */
import { allReduceNames, collectiveOf } from '../../shared/collectives/registry.ts';
import { messageOf, PennygradError } from '../../shared/core/errors.ts';
import { medianOf, sumOf } from '../../shared/core/sums.ts';
import type { Processes } from '../peers/processes.ts';
import { roundRobin } from '../peers/schedule.ts';
import { bandwidthsOf, reductionsFor } from './bandwidth.ts';
import { findGloo, startGlooRanks } from './gloo.ts';
import { type Ranks, type Reduced, startRanks } from './ranks.ts';

export interface AllReduceBenchOptions {
  readonly worlds: readonly number[];
  /** Lengths of the vectors. */
  readonly floats: readonly number[];
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
  readonly start: (world: number, floats: number) => Promise<Ranks>;
}

const gloo = 'gloo';

/** One row for each number of processes, length and algorithm, in this order. */
export async function benchAllReduce(options: AllReduceBenchOptions): Promise<readonly AllReduceRow[]> {
  const { processes } = options;
  // Once: what is not found at first is not found later.
  const python = findGloo(processes);
  python.catch(() => {});
  const algorithms: readonly Algorithm[] = [
    ...allReduceNames.map((name) => ({
      name,
      path: collectiveOf(name).readsPeers === true ? 'shared memory' : 'ZeroMQ, loopback',
      start: (world: number, floats: number) => startRanks(processes, name, world, floats),
    })),
    {
      name: gloo,
      path: 'TCP, loopback',
      start: async (world, floats) => startGlooRanks(processes, await python, world, floats),
    },
  ];
  const rows: AllReduceRow[] = [];
  for (const world of options.worlds) {
    for (const floats of options.floats) rows.push(...(await measureSide(algorithms, world, floats, options)));
  }
  return rows;
}

/** Measures all algorithms side by side: all are started, and take turns. */
async function measureSide(
  algorithms: readonly Algorithm[],
  world: number,
  floats: number,
  { rounds, seconds, onProgress, signal }: AllReduceBenchOptions,
): Promise<readonly AllReduceRow[]> {
  const running = new Map<Algorithm, { readonly ranks: Ranks; readonly reductions: number }>();
  const absent = new Map<Algorithm, string>();
  const measured = new Map<Algorithm, Reduced[]>(algorithms.map((algorithm) => [algorithm, []]));
  const lose = (algorithm: Algorithm, error: unknown) => {
    if (signal.aborted) throw new PennygradError('interrupted', 'interrupted before all was measured');
    running.get(algorithm)?.ranks.stop();
    running.delete(algorithm);
    absent.set(algorithm, messageOf(error));
    onProgress(`world ${world}, floats ${floats}, ${algorithm.name}: not measured: ${messageOf(error)}`);
  };
  for (const algorithm of algorithms) {
    try {
      const ranks = await algorithm.start(world, floats);
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
      onProgress(
        `world ${world}, floats ${floats}, round ${round + 1} of ${rounds}, ${candidate.name}: ${(reduced.seconds * 1e6).toFixed(0)} µs`,
      );
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
