/** Outputs of Winograd's method at which rounding would decide a rectifier or a pooling. */
import * as layers from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import { chooseFlavour, simdFlavours, type UsableFlavour } from '../../../../src/engine/wasm/kernel-module.ts';
import { createRandom } from '../../../../src/shared/core/random.ts';
import { exactStep, type StepCase, tracedStep } from '../../../support/traced-model.ts';

const [size, inChannels, outChannels, batch] = [11, 8, 16, 2];
const outSize = size - 2;
const filterFloats = 9 * inChannels * outChannels;
const outFloats = batch * outSize * outSize * outChannels;

/** A 3×3 convolution without activation. */
function convolution(images: Uint8Array, bias: (channel: number) => number): StepCase {
  const random = createRandom(5);
  const filter = Array.from({ length: filterFloats }, () => random.float() - 0.5);
  const parameters = Float32Array.from([...filter, ...Array.from({ length: outChannels }, (_, o) => bias(o))]);
  const inputShape = [size, size, inChannels];
  return {
    layers: () => [layers.layers.conv2d({ inputShape, filters: outChannels, kernelSize: 3 })],
    imageShape: inputShape,
    images,
    batch,
    values: (length) => (length === parameters.length ? parameters : new Float32Array(length).fill(1)),
  };
}

function noise(): Uint8Array {
  const random = createRandom(7);
  return Uint8Array.from({ length: batch * size * size * inChannels }, () => random.integer(256));
}

describe.each(simdFlavours)('with %s', (name) => {
  const flavour = chooseFlavour(name) as UsableFlavour;

  it('blank areas have the bias, bit for bit, and so do areas of another background', async () => {
    for (const background of [0, 200]) {
      // One bright pixel: outputs that see it are not blank, though all of them share tiles with it.
      const images = new Uint8Array(batch * size * size * inChannels).fill(background);
      for (let image = 0; image < batch; image++) {
        const centre = ((image * size + 5) * size + 5) * inChannels;
        images.fill(255, centre, centre + inChannels);
      }
      const { outputs } = await tracedStep(
        flavour,
        convolution(images, (channel) => channel / 8),
      );
      const blank = outputs.subarray(0, outChannels);
      if (background === 0) expect([...blank]).toEqual(Array.from(blank, (_, channel) => channel / 8));
      for (let i = 0; i < outFloats; i++) {
        const pixel = Math.floor(i / outChannels);
        const [row, column] = [Math.floor(pixel / outSize) % outSize, pixel % outSize];
        const seesCentre = Math.abs(row - 4) <= 1 && Math.abs(column - 4) <= 1;
        if (!seesCentre) expect(outputs[i]).toBe(blank[i % outChannels]);
      }
    }
  });

  it('outputs that are almost zero have their sign, and are as exact as a float can be', async () => {
    // Black and white, because float32 has no other pixel exactly.
    const images = noise().map((value) => (value < 128 ? 0 : 255));
    const plain = (await exactStep(convolution(images, () => 0)))().outputs;
    // The bias brings one output of every channel to almost zero: another one for every channel.
    const nearZero = Array.from({ length: outChannels }, (_, o) => (o * 5 + 3) * outChannels + o);
    const step = convolution(images, (channel) => -(plain[nearZero[channel] ?? -1] ?? 0));
    const exact = (await exactStep(step))().outputs;
    const { outputs } = await tracedStep(flavour, step);
    for (const i of nearZero) {
      const [actual, expected] = [outputs[i] ?? Number.NaN, exact[i] ?? Number.NaN];
      expect(Math.abs(expected)).toBeLessThan(1e-6);
      expect(Math.abs(actual - expected)).toBeLessThanOrEqual(1e-6 * Math.abs(expected) + 1e-14);
    }
  });

  it('outputs of a window that are equal come out equal', async () => {
    // All rows of an image are alike, so outputs above each other are.
    const random = createRandom(9);
    const row = Array.from({ length: size * inChannels }, () => random.integer(256));
    const images = Uint8Array.from({ length: batch * size * size * inChannels }, (_, i) => row[i % row.length] ?? 0);
    const { outputs } = await tracedStep(
      flavour,
      convolution(images, () => 0),
    );
    const at = (y: number, x: number, channel: number) =>
      outputs[(y * outSize + x) * outChannels + channel] ?? Number.NaN;
    for (let y = 0; y + 1 < outSize; y += 2)
      for (let x = 0; x + 1 < outSize; x += 2)
        for (let channel = 0; channel < outChannels; channel++) {
          expect(at(y + 1, x, channel)).toBe(at(y, x, channel));
          expect(at(y + 1, x + 1, channel)).toBe(at(y, x + 1, channel));
        }
  });

  it('other outputs have errors well below the tolerance', async () => {
    const step = convolution(noise(), () => 0);
    const exact = (await exactStep(step))().outputs;
    const { outputs } = await tracedStep(flavour, step);
    const filter = step.values(filterFloats + outChannels);
    const norms = Array.from({ length: outChannels }, (_, o) =>
      Math.hypot(...Array.from({ length: 9 * inChannels }, (_, k) => filter[k * outChannels + o] ?? 0)),
    );
    const unit = Math.sqrt(inChannels) * 2 ** -24 * Math.max(...norms);
    const errors = exact.map((value, i) => Math.abs(value - (outputs[i] ?? Number.NaN)) / unit);
    expect(Math.max(...errors)).toBeLessThan(16);
    expect(Math.hypot(...errors) / Math.sqrt(errors.length)).toBeLessThan(2);
  });
});
