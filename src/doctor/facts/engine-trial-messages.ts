/** The messages between the doctor and the process that tries an engine, over Node's IPC channel. */
import type { EngineAvailability, EngineName } from '../../engine/engine.ts';

export interface EngineTrialTask {
  readonly engine: EngineName;
  readonly batchSize: number;
  /** How long to measure; 0 only finds out whether the engine can be used. */
  readonly seconds: number;
}

export interface EngineSpeed {
  /** From the median and from the fastest step of the CNN with Adam. */
  readonly samplesPerSecond: number;
  readonly bestSamplesPerSecond: number;
  readonly batchSize: number;
  readonly steps: number;
}

export type EngineTrialMessage =
  | { readonly type: 'probed'; readonly availability: EngineAvailability }
  | { readonly type: 'measured'; readonly speed: EngineSpeed }
  /** The engine has thrown an error. A crash sends no message. */
  | { readonly type: 'failed'; readonly message: string };
