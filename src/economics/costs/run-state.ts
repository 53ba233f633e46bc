/** What became of a run, judged by what it left. Pure. */
import type { RunStatus } from '../record/run-record.ts';

/** `killed`: it ended without writing how, or its machine went away. */
export type RunState = RunStatus | 'running' | 'killed';

export interface RunEvidence {
  /** The run's lock: a living process holds it, one that is gone left it behind, or there is none. */
  readonly lock: 'held' | 'left' | 'none';
  /** In `summary.json`; undefined where there is none. A run that is resumed still has that of its last sitting. */
  readonly summary: RunStatus | undefined;
  /** Why the last line of the ledger was written; undefined where that is not known. */
  readonly lastCause: string | undefined;
}

export function decideRunState({ lock, summary, lastCause }: RunEvidence): RunState {
  if (lock === 'held') return 'running';
  if (lock === 'left' || summary === undefined) return 'killed';
  // The accounts are drawn up for the last time before the summary is written.
  return lastCause === undefined || lastCause === 'end' ? summary : 'killed';
}

/** A run whose ledger was read. */
export interface CountedRun {
  /** As in `pennygrad_run_info`; the folder where no file says it. */
  readonly runId: string;
  /** What became of it. */
  readonly status: RunState;
}
