/** The second table: measures whole runs of two workers, and PyTorch's data-parallel training on two processes. */
import { fileURLToPath } from 'node:url';
import { messageOf } from '../../shared/core/errors.ts';
import { trainOnce } from '../train-bench.ts';
import type { Absent } from './candidates.ts';
import type { Measurement } from './comparison.ts';
import { answerSchema, parseMessage } from './messages.ts';
import type { Command, Processes } from './processes.ts';
import { roundRobin } from './schedule.ts';

const trainTitle = 'pennygrad train, wasm';
export const ddpTitle = 'PyTorch DDP';

const program = fileURLToPath(new URL('../../cli/main.js', import.meta.url));

export interface TwoProcessesOptions {
  /** Global batches. */
  readonly batchSizes: readonly number[];
  readonly rounds: number;
  /** The same number for both. Start-up is not measured, nor are DDP's first twenty steps. */
  readonly steps: number;
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
  { batchSizes, rounds, steps, ddp, onProgress }: TwoProcessesOptions,
): Promise<TwoProcessesResult> {
  /** By title, what measures samples per second. */
  const runs = new Map<string, (batchSize: number) => Promise<number>>();
  runs.set(trainTitle, async (batchSize) => {
    const summary = await trainOnce({ program, backend: 'wasm', batchSize, epochs: 1, steps }, 2);
    return summary.samples_per_second;
  });
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
