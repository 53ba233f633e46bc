/** Measures how whole runs scale: real `train` processes with different numbers of workers, one after another. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Summary, summarySchema } from '../economics/record/summary.ts';
import { messageOf, PennygradError } from '../shared/core/errors.ts';
import { medianOf } from '../shared/core/sums.ts';

export interface TrainBenchOptions {
  /** The compiled command line. */
  readonly program: string;
  readonly workers: readonly number[];
  readonly backend: string;
  readonly threads?: number | undefined;
  readonly batchSize: number;
  /** Epochs per run. A process may slow down only after some thousand steps: the first epoch does not show that. */
  readonly epochs: number;
  /** Ends runs earlier. */
  readonly steps: number | undefined;
  /** Number of rounds. Each runs every number of workers once, so that a slow phase of the machine affects them all. */
  readonly repeats: number;
  readonly onRun: (run: { readonly workers: number; readonly round: number; readonly summary: Summary }) => void;
}

export interface TrainBenchRow {
  readonly workers: number;
  /** Medians over the rounds. The throughput is that of the training steps, without start-up and test passes. */
  readonly samplesPerSecond: number;
  readonly secondsToFirstStep: number;
  readonly coordinatorCpuShare: number;
  /** Strong scaling, E = T1 / (N · TN): samples/s of N workers ÷ N times those of one worker, by rounds. */
  readonly efficiency: number;
  /** Throughput of the last epoch ÷ that of the first; undefined where runs have no two whole epochs. */
  readonly lastToFirstEpoch: number | undefined;
  /** Milliseconds per step, as the mean over the workers. */
  readonly stepMilliseconds: Readonly<Record<'load' | 'compute' | 'communicate' | 'wait' | 'total', number>>;
  readonly rounds: readonly number[];
}

export async function benchTraining(options: TrainBenchOptions): Promise<readonly TrainBenchRow[]> {
  const summaries = new Map<number, Summary[]>(options.workers.map((workers) => [workers, []]));
  for (let round = 0; round < options.repeats; round++) {
    for (const workers of options.workers) {
      const summary = await trainOnce(options, workers);
      summaries.get(workers)?.push(summary);
      options.onRun({ workers, round, summary });
    }
  }
  const alone = (summaries.get(1) ?? []).map(({ samples_per_second }) => samples_per_second);
  return options.workers.map((workers) => {
    const runs = summaries.get(workers) ?? [];
    const rounds = runs.map(({ samples_per_second }) => samples_per_second);
    return {
      workers,
      rounds,
      samplesPerSecond: medianOf(rounds),
      secondsToFirstStep: medianOf(runs.map(({ seconds_to_first_step }) => seconds_to_first_step ?? Number.NaN)),
      coordinatorCpuShare: medianOf(runs.map(({ coordinator_cpu_share }) => coordinator_cpu_share)),
      efficiency: medianOf(rounds.map((rate, round) => rate / (workers * (alone[round] ?? Number.NaN)))),
      lastToFirstEpoch: lastToFirstEpoch(runs),
      stepMilliseconds: {
        load: stepMilliseconds(runs, ({ load_seconds }) => load_seconds),
        compute: stepMilliseconds(runs, ({ compute_seconds }) => compute_seconds),
        communicate: stepMilliseconds(runs, ({ communicate_seconds }) => communicate_seconds),
        wait: stepMilliseconds(runs, ({ wait_seconds }) => wait_seconds),
        total: medianOf(runs.map(({ train_seconds, steps }) => (1000 * train_seconds) / steps)),
      },
    };
  });
}

function lastToFirstEpoch(runs: readonly Summary[]): number | undefined {
  const ratios = runs.flatMap(({ epochs }) => {
    const [first, last] = [epochs[0], epochs.at(-1)];
    return first === undefined || last === undefined || first === last
      ? []
      : [last.samples_per_second / first.samples_per_second];
  });
  return ratios.length === 0 ? undefined : medianOf(ratios);
}

function stepMilliseconds(runs: readonly Summary[], secondsOf: (worker: Summary['workers'][number]) => number): number {
  return medianOf(
    runs.map(({ workers, steps }) => {
      const seconds = workers.reduce((sum, worker) => sum + secondsOf(worker), 0);
      return (1000 * seconds) / (workers.length * steps);
    }),
  );
}

/** Runs one training in a temporary folder and returns its summary. */
export async function trainOnce(
  {
    program,
    backend,
    threads,
    batchSize,
    epochs,
    steps,
  }: Pick<TrainBenchOptions, 'program' | 'backend' | 'threads' | 'batchSize' | 'epochs' | 'steps'>,
  workers: number,
): Promise<Summary> {
  const folder = mkdtempSync(join(tmpdir(), 'pennygrad-bench-'));
  const args = [
    ...[
      'train',
      '--workers',
      String(workers),
      '--backend',
      backend,
      '--batch-size',
      String(batchSize),
      '--epochs',
      String(epochs),
      '--json',
      '--quiet',
    ],
    ...['--metrics-port', '0', '--out', join(folder, 'run')],
    ...(threads === undefined ? [] : ['--threads', String(threads)]),
    ...(steps === undefined ? [] : ['--steps', String(steps)]),
  ];
  try {
    const {
      event: _,
      folder: __,
      ...summary
    } = JSON.parse((await runToTheEnd(program, args)).trim().split('\n').at(-1) ?? '{}');
    return summarySchema.parse(summary);
  } catch (error) {
    throw new PennygradError('run-failed', `the run with ${workers} workers failed: ${messageOf(error)}`, {
      cause: error,
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Returns what the program printed. The IPC channel lets it end in order if this process ends first. */
function runToTheEnd(program: string, args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  const text = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk;
    });
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(text.stdout);
      else reject(new Error(text.stderr.trim().split('\n').at(-1) || `exit code ${code}`));
    });
  });
}
