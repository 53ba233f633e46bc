/** What every engine refuses, in the same words. */
import { badInput, type PennygradError } from '../shared/core/errors.ts';
import type { ImageShape, Split } from '../shared/data/dataset.ts';
import { type OptimizerSpec, optimizerSlots } from '../shared/model/model-spec.ts';
import type { OptimizerState } from '../shared/model/training-state.ts';
import type { EngineAvailability, EngineName, EngineOptions } from './engine.ts';

export function checkFit({ dataset, model }: EngineOptions): void {
  const { name, imageShape, classes } = dataset;
  if (imageShape.join() !== model.inputShape.join() || classes !== model.classes) {
    throw badInput(
      `model ${model.name} takes ${model.inputShape.join('×')} images of ${model.classes} classes, ` +
        `but dataset ${name} has ${imageShape.join('×')} images of ${classes} classes`,
    );
  }
}

export function checkIndices(indices: Uint32Array, { count }: Split): void {
  for (const index of indices) {
    if (index >= count) throw badInput(`sample ${index} is not one of the ${count} training samples`);
  }
}

export function labelsOf({ labels }: Split, indices: Uint32Array): Uint8Array {
  return Uint8Array.from(indices, (index) => labels[index] as number);
}

/** @param name what the vector holds, in the plural: the message starts with it */
export function checkVector(name: string, vector: Float32Array, parameterCount: number): void {
  if (vector.length !== parameterCount) {
    throw badInput(`${name} have ${vector.length} floats, but the model has ${parameterCount} parameters`);
  }
}

export function checkOptimizerState(state: OptimizerState, { name }: OptimizerSpec, parameterCount: number): void {
  const { iterations, slots } = state;
  const expected = optimizerSlots[name].length;
  if (slots.length !== expected) throw badInput(`optimizer ${name} has ${expected} slots, not ${slots.length}`);
  if (!Number.isInteger(iterations) || iterations < 0)
    throw badInput(`the optimizer state counts ${iterations} iterations, which is not a whole number`);
  for (const [i, slot] of slots.entries()) checkVector(`optimizer slot ${i}'s values`, slot, parameterCount);
}

export function checkSamples(samples: number): void {
  if (!(samples > 0)) throw badInput(`gradients cannot be averaged over ${samples} samples`);
}

export function checkInterval(name: string, { count }: Split, from: number, to: number): void {
  if (!(from >= 0 && from <= to && to <= count)) {
    throw badInput(`[${from}, ${to}) is not within the ${count} samples of the ${name} split`);
  }
}

export function checkImages(images: Uint8Array, count: number, shape: ImageShape): void {
  const size = shape[0] * shape[1] * shape[2];
  if (images.length !== count * size) {
    throw badInput(`${count} images of ${shape.join('×')} are ${count * size} bytes, not ${images.length}`);
  }
}

/** The error for an engine that was asked for by name but cannot be used. */
export function unusable(
  name: EngineName,
  { reason, remedy }: Extract<EngineAvailability, { usable: false }>,
): PennygradError {
  return badInput(`engine ${name} is not usable: ${reason}; ${remedy}`);
}
