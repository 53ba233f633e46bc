/** The state of training, as checkpoints hold it and workers receive it. */

/** What an optimizer, or a replica of a run with local updates, keeps between steps. */
export interface OptimizerState {
  /** Updates that it has made. */
  readonly iterations: number;
  /** Flat vectors with the layout of the parameters, in the order of `optimizerSlots` for an engine, of `slotNames` for a replica. */
  readonly slots: readonly Float32Array[];
}

/** tfjs's own description of the model, so that a checkpoint loads in any tfjs program. */
export interface ModelArtifacts {
  /** The `modelTopology` of a `model.json`. */
  readonly topology: Readonly<Record<string, unknown>>;
  /** The `weights` entries of a `model.json`, in the order of the flat parameter vector. */
  readonly weightSpecs: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly dtype: 'float32';
  }[];
}

/** The floats of each variable, in the order of the flat parameter vector. */
export function variableSizes(
  weightSpecs: readonly Pick<ModelArtifacts['weightSpecs'][number], 'shape'>[],
): readonly number[] {
  return weightSpecs.map(({ shape }) => shape.reduce((size, length) => size * length, 1));
}

/** The state of a replica at one step. */
export interface TrainingState {
  /** One flat vector, in the order of `ModelArtifacts.weightSpecs`. */
  readonly parameters: Float32Array;
  readonly optimizer: OptimizerState;
}

/** A replica's state and its position in the run. */
export interface Checkpoint {
  /** Committed optimizer steps. */
  readonly step: number;
  /** Counts from 0. */
  readonly epoch: number;
  /** Samples of the epoch that have been applied. A resumed run continues after them. */
  readonly cursor: number;
  readonly state: TrainingState;
  readonly artifacts: ModelArtifacts;
}
