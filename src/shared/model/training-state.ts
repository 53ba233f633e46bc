/** The state of a training run: what a checkpoint holds and what a replica is restored from. */

/** The optimizer's memory, for checkpoints: `slots` are flat vectors like the parameters (Adam: first moment, second moment). */
export interface OptimizerState {
  readonly iterations: number;
  readonly slots: readonly Float32Array[];
}

/** tfjs's own description of the model, so that a checkpoint loads in any tfjs program. */
export interface ModelArtifacts {
  /** The `modelTopology` of a `model.json`. */
  readonly topology: unknown;
  /** The `weights` entries of a `model.json`, in the order of the flat parameter vector. */
  readonly weightSpecs: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly dtype: 'float32';
  }[];
}
