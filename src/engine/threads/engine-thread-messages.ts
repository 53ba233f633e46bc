/** The messages between the threads of one engine. Arrays in shared memory are not copied. */
import type { ErrorCode } from '../../shared/core/errors.ts';
import type { OptimizerState } from '../../shared/model/training-state.ts';
import type { BatchResult, EngineOptions } from '../engine.ts';
import type { UsableFlavour } from '../wasm/kernel-module.ts';

/** Tells a thread what to do with its own replica. The first is `create`. Requests are answered in order. */
export type ThreadRequest =
  | { readonly type: 'create'; readonly options: EngineOptions; readonly flavour: UsableFlavour }
  /** `gradients` is in shared memory and receives the result. */
  | { readonly type: 'compute-gradients'; readonly indices: Uint32Array; readonly gradients: Float32Array }
  | { readonly type: 'apply-gradients'; readonly gradientSum: Float32Array; readonly samples: number }
  | { readonly type: 'evaluate'; readonly split: 'train' | 'test'; readonly from: number; readonly to: number }
  | { readonly type: 'set-parameters'; readonly parameters: Float32Array }
  | { readonly type: 'set-optimizer-state'; readonly state: OptimizerState };

export type ThreadAnswer =
  /** `result` is empty for requests without a batch. */
  | { readonly type: 'done'; readonly result: BatchResult }
  | { readonly type: 'failed'; readonly code: ErrorCode; readonly message: string };

/** The result of an empty batch, and of requests without a batch. */
export const emptyResult: BatchResult = { lossSum: 0, correct: 0 };
