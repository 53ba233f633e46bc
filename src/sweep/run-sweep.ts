/** Runs a sweep, or what is left of it. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Summary } from '../economics/record/summary.ts';
import { tryReadSummary } from '../economics/record/summary-file.ts';
import type { Clock } from '../shared/core/clock.ts';
import { badInput, exitCodes, PennygradError } from '../shared/core/errors.ts';
import { changedSettings } from './changed-settings.ts';
import { remainingSeconds, type SweepPoint, type SweepRun, sweepRuns } from './grid.ts';
import { readSweep, type SweepRecord, writeSweep } from './sweep-file.ts';
import type { TrainProcess } from './train-process.ts';

export interface SweepOptions {
  /** The sweep's folder. */
  readonly out: string;
  readonly points: readonly SweepPoint[];
  readonly repeats: number;
  /** Arguments for `train` that all runs share. */
  readonly args: readonly string[];
  readonly machine: SweepRecord['machine'];
}

export interface SweepProgress {
  readonly run: SweepRun;
  /** Counts from 1. */
  readonly number: number;
  readonly total: number;
  /** Time until the whole sweep is done; undefined before the first run has finished. */
  readonly remainingSeconds: number | undefined;
}

export interface SweepContext {
  readonly train: TrainProcess;
  readonly clock: Clock;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** Called for each run that is complete already. */
  readonly onSkip: (run: SweepRun) => void;
  readonly onBegin: (progress: SweepProgress) => void;
  readonly onRun: (run: SweepRun, summary: Summary, seconds: number) => void;
  readonly onFailure: (run: SweepRun, reason: string) => void;
}

/**
 * Runs what is not complete yet. A run that fails does not end the sweep.
 * @returns the runs that failed
 * @throws bad-input when the folder holds another sweep, or when a run rejects its arguments; interrupted on Ctrl-C
 */
export async function runSweep(options: SweepOptions, context: SweepContext): Promise<readonly SweepRun[]> {
  const { out, points, repeats } = options;
  const runs = sweepRuns(points, repeats);
  let record = beginRecord(options, context);
  const done = record.runs.map(({ folder }) => folder).filter((folder) => isComplete(join(out, folder)));
  record = { ...record, runs: record.runs.filter(({ folder }) => done.includes(folder)) };
  writeSweep(out, record);

  const failed: SweepRun[] = [];
  const ahead = runs.filter(({ id }) => !done.includes(id));
  for (const run of runs) if (done.includes(run.id)) context.onSkip(run);
  for (const [index, run] of ahead.entries()) {
    const points = ahead.slice(index).map(({ point }) => point.id);
    const progress = { run, number: runs.length - ahead.length + index + 1, total: runs.length };
    context.onBegin({ ...progress, remainingSeconds: remainingSeconds(record.runs, points) });
    const folder = join(out, run.id);
    // An earlier attempt may have left files.
    rmSync(folder, { recursive: true, force: true });
    const started = context.clock.now();
    const exit = await context.train(trainArguments(run, folder, options.args), context.signal);
    const seconds = context.clock.now() - started;
    const summary = exit.code === exitCodes.done ? tryReadSummary(folder) : undefined;
    if (summary !== undefined) {
      record = {
        ...record,
        runs: [...record.runs, { folder: run.id, point: run.point.id, round: run.round, seconds }],
      };
      writeSweep(out, record);
      context.onRun(run, summary, seconds);
    }
    if (context.signal.aborted) {
      throw new PennygradError(
        'interrupted',
        `interrupted with ${ahead.length - index - (summary ? 1 : 0)} runs to go`,
      );
    }
    if (exit.code === exitCodes.usage) throw badInput(`run ${run.id}: ${exit.lastWords}`);
    if (summary === undefined) {
      failed.push(run);
      context.onFailure(run, exit.lastWords);
    }
  }
  return failed;
}

/**
 * A new record, or that of the sweep to continue. Its grid may grow, but the arguments that all runs share must not change.
 */
function beginRecord({ out, points, repeats, args, machine }: SweepOptions, { clock }: SweepContext): SweepRecord {
  const asked = points.map(({ id, args: own, batchSize }) => ({ id, args: own, batch_size: batchSize }));
  const before = readSweep(out);
  if (before === undefined) {
    const created_at = new Date(clock.unixMs()).toISOString();
    return { format: 1, created_at, machine, args, points: asked, repeats, runs: [] };
  }
  const changed = changedSettings(before.args, args);
  if (changed.length > 0) {
    throw badInput(
      `--out ${out}: holds a sweep with other settings: ${changed.join(', ')}; choose another folder, ` +
        'or pass no settings to continue with its own',
    );
  }
  if (before.machine.cpu !== machine.cpu || before.machine.cores !== machine.cores) {
    throw badInput(
      `--out ${out}: was started on another machine, ${before.machine.cpu} with ${before.machine.cores} cores; ` +
        'runs of this machine cannot be compared with those; choose another folder',
    );
  }
  const others = before.points.filter(({ id }) => !asked.some((point) => point.id === id));
  return { ...before, points: [...asked, ...others], repeats: Math.max(repeats, before.repeats) };
}

function isComplete(folder: string): boolean {
  return tryReadSummary(folder)?.status === 'completed';
}

function trainArguments({ point }: SweepRun, folder: string, shared: readonly string[]): readonly string[] {
  // A Prometheus that was told where the run is comes once more at its end; otherwise nobody knows the port.
  const isFound = shared.includes('--prometheus-targets');
  const lastScrape = isFound ? [] : ['--last-scrape', '0'];
  const output = ['--out', folder, '--metrics-port', '0', ...lastScrape, '--json', '--quiet'];
  return ['train', ...point.args, '--batch-size', String(point.batchSize), ...shared, ...output];
}
