/** The first table: measures every candidate on one core, each in its own process, in interleaved rounds. */
import { messageOf } from '../../shared/core/errors.ts';
import { type RunningCandidate, samplesPerSecond, startCandidate } from './candidate.ts';
import type { Absent, Candidate } from './candidates.ts';
import type { Measurement } from './comparison.ts';
import { pinned } from './cores.ts';
import type { Processes } from './processes.ts';
import { roundRobin } from './schedule.ts';

export interface OneCoreOptions {
  readonly candidates: readonly Candidate[];
  readonly batchSizes: readonly number[];
  readonly rounds: number;
  readonly seconds: number;
  /** The core that all candidates use in turn; undefined leaves it to the system. */
  readonly core: number | undefined;
  /** The number of parameters that every candidate's model must have. */
  readonly parameters: number;
  readonly onProgress: (line: string) => void;
}

export interface OneCoreResult {
  readonly measurements: readonly Measurement[];
  /** Candidates that did not start, or ended before the last round. Their measurements are dropped. */
  readonly absent: readonly Absent[];
  /** By title, what each candidate computes on, with versions. */
  readonly devices: Readonly<Record<string, string>>;
  /** The highest measured peak, in floating-point operations per second. */
  readonly peakFlops: number | undefined;
}

export async function measureOnOneCore(processes: Processes, options: OneCoreOptions): Promise<OneCoreResult> {
  const { batchSizes, rounds, onProgress } = options;
  const running = new Map<Candidate, RunningCandidate>();
  const absent: Absent[] = [];
  const measurements: Measurement[] = [];
  const lose = (candidate: Candidate, error: unknown) => {
    running.get(candidate)?.stop();
    running.delete(candidate);
    absent.push({ title: candidate.title, reason: messageOf(error) });
    onProgress(`${candidate.title}: ${messageOf(error)}`);
  };

  for (const candidate of options.candidates) {
    try {
      const { title, command } = candidate;
      const core = options.core === undefined ? undefined : [options.core];
      const started = await startCandidate(processes, pinned(command, core));
      running.set(candidate, started);
      checkParameters(started.parameters, options.parameters);
      // The first steps of a batch size are slow, because of compilers and caches.
      const warmUps = candidate.slow ? [] : batchSizes;
      for (const batchSize of warmUps) await samplesPerSecond(started, batchSize, options.seconds / 2);
      onProgress(`${title}: ${started.device}`);
    } catch (error) {
      lose(candidate, error);
    }
  }
  const devices = Object.fromEntries([...running].map(([{ title }, { device }]) => [title, device]));
  const peaks = [...running.values()].flatMap(({ peakFlops }) => (peakFlops === undefined ? [] : [peakFlops]));

  for (const { round, batchSize, candidate } of roundRobin([...running.keys()], batchSizes, rounds)) {
    const process = running.get(candidate);
    if (process === undefined || (candidate.slow && round > 0)) continue;
    try {
      const rate = await samplesPerSecond(process, batchSize, candidate.slow ? 0 : options.seconds);
      measurements.push({ candidate: candidate.title, batchSize, round, samplesPerSecond: rate });
      onProgress(
        `round ${round + 1} of ${rounds}, batch ${batchSize}, ${candidate.title}: ${Math.round(rate)} samples/s`,
      );
    } catch (error) {
      lose(candidate, error);
    }
  }
  for (const process of running.values()) process.stop();
  return {
    measurements: inOrder(options.candidates, measurements).filter(({ candidate }) =>
      absent.every(({ title }) => title !== candidate),
    ),
    absent,
    devices,
    peakFlops: peaks.length === 0 ? undefined : Math.max(...peaks),
  };
}

function checkParameters(found: number, expected: number): void {
  if (found !== expected) throw new Error(`its model has ${found} parameters, not ${expected}`);
}

/** Sorts the measurements by the order of the candidates, because rounds start with different candidates. */
function inOrder(candidates: readonly Candidate[], measurements: readonly Measurement[]): readonly Measurement[] {
  return candidates.flatMap(({ title }) => measurements.filter(({ candidate }) => candidate === title));
}
