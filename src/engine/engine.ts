/**
 * An engine holds one replica: the model's parameters, the optimizer's state and the dataset, all on one device.
 *
 * In a step, sample indices go in and one flat gradient comes out. Images do not cross the interface during training,
 * and parameters cross it only for checkpoints. The flat vectors hold the model's trainable variables in layer order,
 * each row-major (tfjs's `model.trainableWeights`), so all engines agree on every offset.
 *
 * Gradients are sums, not means: `computeGradients` adds up the samples that it was given, and `applyGradients` divides
 * by the number of samples in the global batch. Uneven shares and a short last batch are therefore exact.
 */
import type { Dataset } from '../shared/data/dataset.ts';
import type { ModelSpec, OptimizerSpec } from '../shared/model/model-spec.ts';
import type { ModelArtifacts, OptimizerState } from '../shared/model/training-state.ts';

/** In the order in which `auto` prefers them. */
export const engineNames = ['tensorflow', 'webgpu', 'wasm', 'cpu'] as const;
export type EngineName = (typeof engineNames)[number];

/** The engine that others are compared with. `auto` takes it only where no other works: it is too slow to be tried. */
export const referenceEngine: EngineName = 'cpu';

export interface EngineOptions {
  readonly model: ModelSpec;
  readonly optimizer: OptimizerSpec;
  /** Decides the initial parameters, which are bit-identical on every engine. */
  readonly seed: number;
  readonly dataset: Dataset;
}

export interface BatchResult {
  /** Sum of the samples' losses: cross-entropy in nats. */
  readonly lossSum: number;
  /** How many samples have their label as the most probable class. */
  readonly correct: number;
}

export interface Engine {
  readonly name: EngineName;
  /** What it computes on, for display: `wasm, relaxed SIMD`, `cpu (plain JavaScript)`. */
  readonly device: string;
  readonly parameterCount: number;
  /** Threads of the CPU that it computes on; undefined where a GPU computes. */
  readonly threads?: number | undefined;
  /** The NVIDIA card that it computes on, by the index or UUID that `nvidia-smi -i` accepts. */
  readonly card?: string | undefined;

  /** A copy, `parameterCount` floats. */
  getParameters(): Promise<Float32Array>;
  setParameters(parameters: Float32Array): Promise<void>;
  getOptimizerState(): Promise<OptimizerState>;
  setOptimizerState(state: OptimizerState): Promise<void>;
  artifacts(): ModelArtifacts;

  /**
   * Runs forward and backward over training samples, given by their indices in the training split.
   * @param gradients receives the *sum* of the samples' gradients, `parameterCount` floats; zeros without samples
   * @param onReady called with the interval `[from, to)` of `gradients` as soon as it is final, so that it can be sent
   *   while the rest is computed; an engine may report all intervals, some or none
   */
  computeGradients(
    indices: Uint32Array,
    gradients: Float32Array,
    onReady?: (from: number, to: number) => void,
  ): Promise<BatchResult>;
  /**
   * Makes one optimizer update with `gradientSum / samples`.
   * @throws PennygradError if `gradientSum` does not have `parameterCount` floats
   */
  applyGradients(gradientSum: Float32Array, samples: number): Promise<void>;
  /** Loss and correct predictions over the samples `[from, to)` of a split. */
  evaluate(split: 'train' | 'test', from: number, to: number): Promise<BatchResult>;
  /** Class probabilities of `count` images given as bytes: `count × classes` floats. */
  predict(images: Uint8Array, count: number): Promise<Float32Array>;
  /** Frees all memory. A second call does nothing. */
  dispose(): void;
}

/** What is known about an engine before it is created. */
export type EngineAvailability =
  | {
      readonly usable: true;
      readonly device: string;
      /** What the device's name leaves out although speed depends on it, such as the names of its cards. */
      readonly hardware?: string;
      /** Why `auto` skips it although it works, for example because its GPU is emulated. */
      readonly notAutomatic?: string;
      /** `auto` takes it only if a trial has found it faster than the engines that it takes by itself. */
      readonly onlyIfFaster?: true;
    }
  | {
      readonly usable: false;
      readonly reason: string;
      readonly remedy: string;
      /** The engine is optional and was never installed, so `auto` does not mention it. */
      readonly notInstalled?: true;
    };

export interface EngineProvider {
  readonly name: EngineName;
  probe(): Promise<EngineAvailability>;
  create(options: EngineOptions): Promise<Engine>;
}
