/** A run from its first bind to its summary: the parts of the coordinator, put together. */
import type { Clock } from '../shared/core/clock.ts';
import { type ErrorCode, exitCodes, messageOf, type PennygradError } from '../shared/core/errors.ts';
import type { Dataset } from '../shared/data/dataset.ts';
import type { ModelSpec, OptimizerSpec } from '../shared/model/model-spec.ts';
import { renderPredictionsSvg } from '../shared/report/predictions-svg.ts';
import type { RunStatus } from '../shared/report/run-record.ts';
import { type Summary, summarize } from '../shared/report/summary.ts';
import { type ControlPlane, openControlPlane } from './control-plane.ts';
import { createMetrics } from './metrics/metrics.ts';
import { startMetricsServer } from './metrics/metrics-server.ts';
import { observeMetrics } from './metrics/observe-metrics.ts';
import type { RunEvent, RunObserver } from './run-events.ts';
import { openRunFolder } from './run-folder.ts';
import { createRunRecorder } from './run-recorder.ts';
import { type TrainSettings, train } from './train.ts';

export interface RunOptions extends Omit<TrainSettings, 'trainCount' | 'testCount'> {
  readonly runId: string;
  readonly version: string;
  readonly bind: string;
  readonly worldSize: number;
  readonly timeoutSeconds: number;
  readonly dataset: Dataset;
  readonly model: ModelSpec;
  readonly optimizer: OptimizerSpec;
  readonly seed: number;
  readonly checksumEvery: number;
  readonly priceUsdPerHour: number | undefined;
  readonly metrics: { readonly port: number | undefined; readonly host: string };
  /** The run folder. */
  readonly out: string;
  /** Everything the run was told, for `config.json`. */
  readonly config: object;
}

export interface RunContext {
  readonly clock: Clock;
  readonly observe: RunObserver;
  readonly warn: (line: string) => void;
  /** Ctrl-C. */
  readonly signal: AbortSignal;
  /** The coordinator listens: workers may come. Called once. */
  readonly onListening: (coordinator: Pick<ControlPlane, 'endpoint' | 'workerGone'>) => void;
}

export interface RunResult {
  readonly summary: Summary;
  readonly predictions: Predictions | undefined;
  /** What ended the run early, if anything did. */
  readonly error: PennygradError | undefined;
}
