/** What the process that tries an engine tells the one that started it, over Node's IPC channel. */
import type { EngineAvailability, EngineName } from '../engine/engine.ts';

export interface EngineTrialTask {
  readonly engine: EngineName;
  readonly batchSize: number;
  /** How long to measure; 0 only asks whether the engine can be used. */
  readonly seconds: number;
}

export interface EngineSpeed {
  /** Of the median step and of the fastest one: gradients and update of the CNN with Adam. */
  readonly samplesPerSecond: number;
  readonly bestSamplesPerSecond: number;
  readonly batchSize: number;
  readonly steps: number;
}

export type EngineTrialMessage =
  | { readonly type: 'probed'; readonly availability: EngineAvailability }
  | { readonly type: 'measured'; readonly speed: EngineSpeed }
  /** The engine reported an error; a crash reports nothing. */
  | { readonly type: 'failed'; readonly message: string };
