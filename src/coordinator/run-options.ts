/** A run's options, what it needs from its process, and its result. */
import type { AssumePrice } from '../economics/prices/assumed-price.ts';
import type { Summary } from '../economics/record/summary.ts';
import type { Predictions } from '../report/predictions/predictions.ts';
import type { BudgetConfig } from '../settings/budget-settings.ts';
import type { MembershipConfig } from '../settings/membership-settings.ts';
import type { ObservabilityConfig } from '../settings/observability-settings.ts';
import type { TrainingConfig } from '../settings/training-settings.ts';
import type { Clock } from '../shared/core/clock.ts';
import type { PennygradError } from '../shared/core/errors.ts';
import type { Timers } from '../shared/core/timers.ts';
import type { Dataset } from '../shared/data/dataset.ts';
import type { ControlPlane } from './control-plane.ts';
import type { RunObserver } from './run-events.ts';

export interface ExpectedWorker {
  readonly workerId: string;
  /** Whether it has a price, or one is assumed once it is known what it computes on. */
  readonly hasPrice: boolean;
  /** What its rental is billed at least, in USD; undefined while its price is not known. */
  readonly leastBilledUsd?: number | undefined;
}

export interface RunOptions {
  readonly runId: string;
  readonly version: string;
  /** When this process began. */
  readonly startedAtUnixMs: number;
  /** Where workers connect, as ZeroMQ takes it. */
  readonly bind: string;
  /** The workers that will come, where they are known. */
  readonly expected: readonly ExpectedWorker[] | undefined;
  readonly dataset: Dataset;
  readonly training: TrainingConfig;
  readonly membership: MembershipConfig;
  /** The price of a worker that nobody gave one. */
  readonly assumePrice?: AssumePrice | undefined;
  readonly budget: BudgetConfig;
  readonly observability: ObservabilityConfig;
  /** Set on resume: the original start time. The run folder is the one of the run that is resumed. */
  readonly resumed: { readonly startedAtUnixMs: number } | undefined;
  /** The run folder. */
  readonly out: string;
  /** How many of the newest checkpoints stay. */
  readonly keep: number;
  /** Everything the run was told, for `config.json`. */
  readonly config: object;
}

export interface RunContext {
  readonly clock: Clock;
  readonly timers: Timers;
  /** CPU time that this process has used so far, of all its threads. */
  readonly cpuSeconds: () => number;
  /** Variables, among them OpenTelemetry's. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Name of this host. */
  readonly host: string;
  readonly observe: RunObserver;
  readonly warn: (line: string) => void;
  readonly note: (line: string) => void;
  /** Ctrl-C. */
  readonly signal: AbortSignal;
  /** The folder is this run's, and may be told of. Nothing was observed before. */
  readonly onOpened: () => void;
  /** The coordinator listens: workers may come. */
  readonly onListening: (
    coordinator: Pick<ControlPlane, 'endpoint' | 'workerGone' | 'workerEnded' | 'workerPreempted'>,
  ) => void;
  /** Workers were told to leave: resolves when those that this process started are gone. */
  readonly workersLeft: (() => Promise<void>) | undefined;
  /** The metrics endpoint serves. */
  readonly onMetrics: (url: string) => void;
  /** The run is over, and its files are written. Only the metrics endpoint may still wait to be read once more. */
  readonly onResult: (result: RunResult) => void;
}

export interface RunResult {
  readonly summary: Summary;
  /** For the first test images; undefined when the run ended before they were computed. */
  readonly predictions: Predictions | undefined;
  /** What ended the run early, if anything did. */
  readonly error: PennygradError | undefined;
}
