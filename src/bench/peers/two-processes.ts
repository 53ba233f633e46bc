/**
 * The second table: measures whole runs of two workers; what they are measured by, which is one worker, one worker with two
 * threads, and two engines side by side that exchange nothing; and PyTorch's data-parallel training on two processes.
 */
import { fileURLToPath } from 'node:url';
import { messageOf } from '../../shared/core/errors.ts';
import { sumOf } from '../../shared/core/sums.ts';
import { trainOnce } from '../train-bench.ts';
import { samplesPerSecond, startCandidate } from './candidate.ts';
import { type Absent, engineCommand } from './candidates.ts';
import type { Measurement } from './comparison.ts';
import { answerSchema, parseMessage } from './messages.ts';
import type { Command, Processes } from './processes.ts';
import { roundRobin } from './schedule.ts';

const trainTitle = 'pennygrad train, wasm';
export const oneWorkerTitle = 'one worker';
export const twoThreadsTitle = 'two threads';
export const twoEnginesTitle = 'two engines';
export const ddpTitle = 'PyTorch DDP';

const program = fileURLToPath(new URL('../../cli/main.js', import.meta.url));

export interface TwoProcessesOptions {
  /** Global batches. */
  readonly batchSizes: readonly number[];
  readonly rounds: number;
  /** The same number for both. Start-up is not measured, nor are DDP's first twenty steps. */
  readonly steps: number;
  /** Length of a measurement of two engines. */
  readonly seconds: number;
  /** Undefined skips DDP. */
  readonly ddp: ((batchSize: number, steps: number) => Command) | undefined;
  readonly onProgress: (line: string) => void;
}

export interface TwoProcessesResult {
  readonly measurements: readonly Measurement[];
  readonly absent: readonly Absent[];
}

export async function measureTwoProcesses(
  processes: Processes,
  { batchSizes, rounds, steps, seconds, ddp, onProgress }: TwoProcessesOptions,
): Promise<TwoProcessesResult> {
  /** By title, what measures samples per second. */
  const runs = new Map<string, (batchSize: number) => Promise<number>>();
  const train = (workers: number, threads: number) => async (batchSize: number) => {
    const summary = await trainOnce({ program, backend: 'wasm', threads, batchSize, epochs: 1, steps }, workers);
    return summary.samples_per_second;
  };
  runs.set(trainTitle, train(2, 1));
  runs.set(oneWorkerTitle, train(1, 1));
  runs.set(twoThreadsTitle, train(1, 2));
  runs.set(twoEnginesTitle, (batchSize) => measureTwoEngines(processes, batchSize, seconds));
  if (ddp !== undefined) {
    runs.set(ddpTitle, async (batchSize) => {
      const answer = parseMessage(answerSchema, await processes.output(ddp(batchSize, steps)));
      return (batchSize * answer.steps) / answer.seconds;
    });
  }
  const measurements: Measurement[] = [];
  const absent = new Map<string, string>();
  for (const { round, batchSize, candidate } of roundRobin([...runs.keys()], batchSizes, rounds)) {
    const run = runs.get(candidate);
    if (run === undefined || absent.has(candidate)) continue;
    try {
      const samplesPerSecond = await run(batchSize);
      measurements.push({ candidate, batchSize, round, samplesPerSecond });
      onProgress(
        `round ${round + 1} of ${rounds}, batch ${batchSize}, ${candidate}: ${Math.round(samplesPerSecond)} samples/s`,
      );
    } catch (error) {
      absent.set(candidate, messageOf(error));
    }
  }
  return {
    measurements: measurements.filter(({ candidate }) => !absent.has(candidate)),
    absent: [...absent].map(([title, reason]) => ({ title, reason })),
  };
}

/** Each with half of the batch, at the same time. */
async function measureTwoEngines(processes: Processes, batchSize: number, seconds: number): Promise<number> {
  const engines = await Promise.all([0, 1].map(() => startCandidate(processes, engineCommand('wasm'))));
  try {
    const measure = async (length: number) =>
      sumOf(await Promise.all(engines.map((engine) => samplesPerSecond(engine, batchSize / 2, length))));
    // The first steps are slow, because of compilers and caches.
    await measure(seconds / 2);
    return await measure(seconds);
  } finally {
    for (const engine of engines) engine.stop();
  }
}
