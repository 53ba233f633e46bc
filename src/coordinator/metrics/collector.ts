/** What one file of `collectors/` is: a few related metrics, and what in a run changes them. */
import type { Registry } from 'prom-client';
import type { Interruption } from '../../economics/record/interruption.ts';
import type { BudgetConfig } from '../../settings/budget-settings.ts';
import type { TrainingConfig } from '../../settings/training-settings.ts';
import type { Clock } from '../../shared/core/clock.ts';
import type { DatasetInfo } from '../../shared/data/dataset.ts';
import type { LedgerEntry, RunObserver } from '../run-events.ts';
import type { ExpectedWorker } from '../run-options.ts';

/**
 * Registers its metrics, sets those that are known before the run begins, and returns an observer that keeps them up to
 * date. Collectors do not know each other, and the order in which they see an event does not matter.
 *
 * What is left at the end is kept by a Pushgateway for as long as nobody deletes it. So a gauge that is true only while
 * workers train is removed when the run has ended.
 */
export type Collector = (registry: Registry, run: ObservedRun) => RunObserver;

/** What the metrics need to know of a run before it begins. */
export interface ObservedRun {
  readonly runId: string;
  readonly version: string;
  /** When the run was started, by its first process. */
  readonly startedAtUnixMs: number;
  readonly clock: Pick<Clock, 'now'>;
  readonly dataset: Pick<DatasetInfo, 'name' | 'trainCount' | 'testCount'>;
  readonly training: TrainingConfig;
  readonly budget: BudgetConfig;
  /** The workers that will join, where they are known. */
  readonly expected?: readonly ExpectedWorker[] | undefined;
  /** Set on resume: the accounts at which the cost counters start. */
  readonly carried?: readonly LedgerEntry[] | undefined;
  /** Set on resume: the interruptions that the run has had. */
  readonly interruptionsBefore?: readonly Interruption[] | undefined;
}
