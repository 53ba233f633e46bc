/**
 * An engine holds one replica: the model's parameters, the optimizer's state and the dataset, all on one device.
 *
 * The mental model: a step moves *indices in and one flat gradient out*. Images never cross the interface while
 * training; parameters cross it only for checkpoints. The flat vectors list the model's trainable variables in
 * layer order, each row-major (`model.trainableWeights` of tfjs), so every engine agrees on every offset.
 *
 * Sums, not means: `computeGradients` returns sums over the samples it was given, and `applyGradients` divides by the
 * number of samples in the global batch. Uneven shares and a short last batch are therefore exact.
 */
import type { Dataset } from '../shared/data/dataset.ts';
import type { ModelSpec, OptimizerSpec } from '../shared/model/model-spec.ts';
import type { ModelArtifacts, OptimizerState } from '../shared/model/training-state.ts';

/** Fastest first, where the machine has what each needs. */
export const engineNames = ['tensorflow', 'webgpu', 'wasm', 'cpu'] as const;
export type EngineName = (typeof engineNames)[number];

export interface EngineOptions {
  readonly model: ModelSpec;
  readonly optimizer: OptimizerSpec;
  /** Seeds the initial parameters: the same seed gives the same parameters on every engine, bit for bit. */
  readonly seed: number;
  readonly dataset: Dataset;
}

export interface BatchResult {
  /** Sum of the samples' losses (cross-entropy in nats). */
  readonly lossSum: number;
  /** Samples whose most probable class is the label. */
  readonly correct: number;
}

export interface Engine {
  readonly name: EngineName;
  /** What computes, in words: `wasm, relaxed SIMD`, `cpu (plain JavaScript)`. */
  readonly device: string;
  readonly parameterCount: number;
  /** The NVIDIA card that it computes on, as `nvidia-smi -i` takes it. */
  readonly card?: string | undefined;

  /** A copy of the parameters, `parameterCount` floats. */
  getParameters(): Promise<Float32Array>;
  setParameters(parameters: Float32Array): Promise<void>;
  getOptimizerState(): Promise<OptimizerState>;
  setOptimizerState(state: OptimizerState): Promise<void>;
  artifacts(): ModelArtifacts;

  /**
   * Forward and backward over training samples, by index into the training split.
   * Writes the *sum* of the samples' gradients into `gradients` (`parameterCount` floats).
   * An empty `indices` writes zeros.
   * @param onReady told of intervals of `gradients` as soon as they are final, so that they can travel while the rest is
   *   computed; an engine may tell of some, all or none
   */
  computeGradients(
    indices: Uint32Array,
    gradients: Float32Array,
    onReady?: (from: number, to: number) => void,
  ): Promise<BatchResult>;
  /** One optimizer update with `gradientSum / samples`. Throws if the vector's length is not `parameterCount`. */
  applyGradients(gradientSum: Float32Array, samples: number): Promise<void>;
  /** Loss and correct predictions over the half-open interval `[from, to)` of a split. */
  evaluate(split: 'train' | 'test', from: number, to: number): Promise<BatchResult>;
  /** Class probabilities, `count × classes`, of images given as bytes. */
  predict(images: Uint8Array, count: number): Promise<Float32Array>;
  /** Frees everything. May be called twice. */
  dispose(): void;
}

/** What an engine can say of itself before it is made. */
export type EngineAvailability =
  | {
      readonly usable: true;
      readonly device: string;
      /** Why `auto` passes it over although it works, for example a GPU that is only emulated. */
      readonly notAutomatic?: string;
    }
  | {
      readonly usable: false;
      readonly reason: string;
      readonly remedy: string;
      /** It was never installed, and need not be: `auto` does not mention it. */
      readonly notInstalled?: true;
    };

export interface EngineProvider {
  readonly name: EngineName;
  probe(): Promise<EngineAvailability>;
  create(options: EngineOptions): Promise<Engine>;
}
