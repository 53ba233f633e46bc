import type { Tensor, Tensor4D, Variable } from '@tensorflow/tfjs-core';
import type { ImageShape, Split } from '../../shared/data/dataset.ts';
import type { OptimizerSpec } from '../../shared/model/model-spec.ts';
import type { OptimizerState } from '../../shared/model/training-state.ts';
import type { Layer } from '../../shared/model/zoo.ts';
import type { EngineName } from '../engine.ts';

/** What differs between tfjs backends; the engine (tfjs-engine.ts) does the rest. */
export interface TfjsBackend {
  readonly engineName: EngineName;
  readonly device: string;
  /**
   * Makes this the current backend of tfjs. There is only one current backend per process, so this is called before
   * every use. It costs nothing if the backend is current already.
   */
  activate(): void;
  /**
   * Reads results back once, at the end of a step, and not also the logits in the middle: for devices where every read
   * waits for all queued work.
   */
  readonly readsOncePerStep?: boolean;
  /** The images with these indices, scaled to 0 … 1: a new tensor of shape `[indices.length, …imageShape]`. */
  gather(split: Split, imageShape: ImageShape, indices: Uint32Array): Tensor4D;
  /**
   * A faster way to run a layer than tfjs's own, if there is one. It is recorded on the tape like any operation.
   * @param report may be called with the gradients of the layer's variables during the backward pass
   */
  fuseLayer(layer: Layer, report: GradientReport): ((x: Tensor) => Tensor) | undefined;
  /** Copies the tensors into `target`, one after the other. */
  readInto(tensors: readonly Tensor[], target: Float32Array): Promise<void>;
  createOptimizer(spec: OptimizerSpec, variables: readonly Variable[]): TfjsOptimizer;
  /** Frees what the backend keeps for this engine. */
  dispose?(): void;
}

/** Receives a variable's final gradient; `values` are only valid during the call. */
export type GradientReport = (variable: Variable, values: Float32Array) => void;

export interface TfjsOptimizer {
  /** Updates the variables with `gradientSum / samples`. */
  apply(gradientSum: Float32Array, samples: number): void;
  getState(): Promise<OptimizerState>;
  setState(state: OptimizerState): Promise<void>;
  dispose(): void;
}
