import type { Tensor, Tensor4D, Variable } from '@tensorflow/tfjs-core';
import type { ImageShape, Split } from '../../shared/data/dataset.ts';
import type { OptimizerSpec } from '../../shared/model/model-spec.ts';
import type { OptimizerState } from '../../shared/model/training-state.ts';
import type { Layer } from '../../shared/model/zoo.ts';
import type { EngineName } from '../engine.ts';

/** Everything that one tfjs backend does in its own way; the engine (tfjs-engine.ts) does the rest. */
export interface TfjsBackend {
  readonly engineName: EngineName;
  readonly device: string;
  /**
   * Makes this the backend that tfjs's operations run on. tfjs has one current backend for the whole process, so this
   * comes before every use, and costs nothing when it already is.
   */
  activate(): void;
  /**
   * Results are read back once, at a step's end, instead of the logits in its middle as well: for devices where each
   * read waits for all that was queued.
   */
  readonly readsOncePerStep?: boolean;
  /** Images of a split by index, scaled to 0 … 1: a new `[indices.length, …imageShape]` tensor. */
  gather(split: Split, imageShape: ImageShape, indices: Uint32Array): Tensor4D;
  /**
   * A faster way to run a layer than the layer's own, recorded for gradients like any operation; or none.
   * @param report may be told of the gradients of the layer's variables in the middle of the backward pass
   */
  fuseLayer(layer: Layer, report: GradientReport): ((x: Tensor) => Tensor) | undefined;
  /** Copies tensors into `target`, one behind the other. */
  readInto(tensors: readonly Tensor[], target: Float32Array): Promise<void>;
  createOptimizer(spec: OptimizerSpec, variables: readonly Variable[]): TfjsOptimizer;
  /** Frees what the backend keeps for this engine. */
  dispose?(): void;
}

/** A variable's final gradient; `values` are good only during the call. */
export type GradientReport = (variable: Variable, values: Float32Array) => void;

export interface TfjsOptimizer {
  /** Updates the variables with `gradientSum / samples`. */
  apply(gradientSum: Float32Array, samples: number): void;
  getState(): Promise<OptimizerState>;
  setState(state: OptimizerState): Promise<void>;
  dispose(): void;
}
