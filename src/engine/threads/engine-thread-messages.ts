/** What the threads of one engine say to each other. Arrays may lie in shared memory, which a message does not copy. */
import type { ErrorCode } from '../../shared/core/errors.ts';
import type { OptimizerState } from '../../shared/model/training-state.ts';
import type { BatchResult, EngineOptions } from '../engine.ts';
import type { UsableFlavour } from '../wasm/kernel-module.ts';

/** To a further thread: what to do with its own replica. The first is `create`. Each is answered, in their order. */
export type ThreadRequest =
  | { readonly type: 'create'; readonly options: EngineOptions; readonly flavour: UsableFlavour }
  /** `gradients` is shared: it is the answer. */
  | { readonly type: 'compute-gradients'; readonly indices: Uint32Array; readonly gradients: Float32Array }
  | { readonly type: 'apply-gradients'; readonly gradientSum: Float32Array; readonly samples: number }
  | { readonly type: 'evaluate'; readonly split: 'train' | 'test'; readonly from: number; readonly to: number }
  | { readonly type: 'set-parameters'; readonly parameters: Float32Array }
  | { readonly type: 'set-optimizer-state'; readonly state: OptimizerState };

export type ThreadAnswer =
  /** `result` is that of a batch where there was one. */
  | { readonly type: 'done'; readonly result: BatchResult }
  | { readonly type: 'failed'; readonly code: ErrorCode; readonly message: string };

/** The result of a request that has none, and of a batch of none. */
export const emptyResult: BatchResult = { lossSum: 0, correct: 0 };
