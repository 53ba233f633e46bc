import '@tensorflow/tfjs-backend-cpu';
import { describe, expect, test } from 'vitest';
import { requireModelFits } from '../../../../src/shared/model/model-fit.ts';
import { type ModelName, type ModelSpec, modelNames } from '../../../../src/shared/model/model-spec.ts';
import { parameterCount } from '../../../../src/shared/model/parameter-count.ts';
import { buildModel } from '../../../../src/shared/model/zoo.ts';

const dataset = { name: './mine' };
const spec = (name: ModelName, height: number, width: number, classes = 10): ModelSpec => ({
  name,
  inputShape: [height, width, 1],
  classes,
});

/** What tfjs makes of it: its parameters, or the reason why it cannot be built. */
function built(model: ModelSpec): number | string {
  try {
    return buildModel(model).network.countParams();
  } catch (error) {
    return String(error);
  }
}

function refusal(model: ModelSpec): string {
  try {
    requireModelFits(model, dataset);
    return '';
  } catch (error) {
    expect(error).toMatchObject({ code: 'bad-input' });
    return String(error);
  }
}

describe.each(modelNames)('%s', (name) => {
  test('is refused exactly where tfjs cannot build it, however small the images', () => {
    const sides = [1, 2, 8, 17, 18, 19];
    for (const height of sides) {
      for (const width of sides) {
        const model = spec(name, height, width);
        const count = built(model);
        // tfjs builds a layer with nothing in it, and fails when it computes.
        const impossible = typeof count === 'string' || count <= 0 || hasEmptyLayer(model);
        expect(refusal(model) !== '', `${height} × ${width}`).toBe(impossible);
      }
    }
  });

  test.each([
    [18, 18, 2],
    [28, 28, 10],
    [19, 43, 256],
    [60, 21, 27],
  ])('has the parameters that tfjs counts, with %i × %i pixels in %i classes', (height, width, classes) => {
    const model = spec(name, height, width, classes);
    expect(parameterCount(model)).toBe(built(model));
  });
});

function hasEmptyLayer(model: ModelSpec): boolean {
  return buildModel(model).network.layers.some(({ outputShape }) =>
    (outputShape as (number | null)[]).some((size) => size !== null && size < 1),
  );
}

test('the refusal says which images and which models fit', () => {
  expect(refusal(spec('cnn', 8, 8))).toContain(
    '--model cnn takes images of at least 18 × 18 pixels; those of ./mine are 8 × 8: use --model mlp or softmax',
  );
  expect(refusal(spec('mlp', 1100, 1100))).toMatch(
    /^PennygradError: --model mlp would have 154881418 parameters for these images, and at most 134217728 can be trained; those of \.\/mine are 1100 × 1100: use --model softmax$/,
  );
  expect(refusal(spec('cnn', 40_000, 40_000))).toContain(': scale the images down');
});
