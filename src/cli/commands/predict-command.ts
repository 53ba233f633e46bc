import { writeFileSync } from 'node:fs';
import { z } from 'zod';
import { readImageInput } from '../../report/predictions/image-input.ts';
import { layoutOf } from '../../report/predictions/model-image.ts';
import { listPredictions, type Predictions } from '../../report/predictions/predictions.ts';
import { renderPredictionsSvg } from '../../report/predictions/predictions-svg.ts';
import { renderPredictionsText } from '../../report/predictions/predictions-text.ts';
import { printSettings } from '../../settings/output-settings.ts';
import { resolveSettings } from '../../settings/resolve-settings.ts';
import { path } from '../../settings/schemas.ts';
import { badInput, messageOf } from '../../shared/core/errors.ts';
import { formatProbability } from '../../shared/core/number-format.ts';
import type { Dataset } from '../../shared/data/dataset.ts';
import type { Command } from '../command.ts';
import { wantsColour } from '../terminal.ts';
import { openTrainedRun, runPositional, trainedRunSettings } from '../trained-run.ts';

/** A range of test images, both ends included. */
const indexRange = z
  .string()
  .regex(/^\d+(\.\.\d+)?$/, { error: 'an index or a range such as 0..9' })
  .transform((text) => {
    const [first = 0, last = first] = text.split('..').map(Number);
    return { first, last };
  });

const predictSettings = {
  ...trainedRunSettings,
  index: {
    type: 'string',
    describe: 'Test images to predict: an index or a range such as 0..9',
    defaultText: '0..9',
    schema: indexRange.optional(),
  },
  svg: { type: 'string', describe: 'Write the picture to this file, as SVG', schema: path.optional() },
  json: printSettings.json,
} as const;

export const predictCommand: Command = {
  settings: predictSettings,
  examples: [
    ['$0 predict runs/RUN-ID', 'the first ten test images'],
    ['$0 predict runs/RUN-ID seven.png', 'a drawing of your own'],
    ['$0 predict runs/RUN-ID --index 100..109 --svg ten.svg', 'ten other images, as a picture'],
  ],
  options: (command) =>
    command.positional('run', runPositional).positional('image', {
      type: 'string',
      describe: 'A PNG of one digit, or of what the dataset shows, of any size',
    }),
  async run(argv) {
    const settings = resolveSettings(predictSettings, argv, process.env, undefined);
    const file = argv.image === undefined ? undefined : String(argv.image);
    if (file !== undefined && settings.index !== undefined) {
      throw badInput('name an image or --index, not both');
    }
    if (file !== undefined && settings.svg !== undefined) {
      throw badInput('--svg draws test images (--index), not an image of your own');
    }
    const { dataset, engine } = await openTrainedRun(String(argv.run), settings);
    if (file !== undefined) {
      const image = await readImageInput(file, layoutOf(dataset));
      const probabilities = await engine.predict(image, 1);
      printImage(file, probabilities, settings.json);
    } else {
      const chosen = chooseImages(dataset, settings.index ?? { first: 0, last: Math.min(9, dataset.testCount - 1) });
      const probabilities = await engine.predict(chosen.images, chosen.labels.length);
      printTestImages({ ...chosen, probabilities }, settings);
    }
    engine.dispose();
  },
};

function chooseImages(
  { test, imageShape }: Dataset,
  { first, last }: { readonly first: number; readonly last: number },
): Omit<Predictions, 'probabilities'> {
  if (first > last) throw badInput(`--index ${first}..${last}: the range ends before it begins`);
  if (last >= test.count) throw badInput(`--index ${first}..${last}: there are test images 0..${test.count - 1}`);
  const end = last + 1;
  const size = imageShape[0] * imageShape[1] * imageShape[2];
  return {
    imageShape,
    images: test.images.subarray(first * size, end * size),
    labels: test.labels.subarray(first, end),
  };
}

function printImage(file: string, probabilities: Float32Array, json: boolean): void {
  const ranked = [...probabilities.entries()]
    .map(([label, probability]) => ({ label, probability }))
    .sort((a, b) => b.probability - a.probability);
  const [best, ...others] = ranked;
  if (best === undefined) return;
  if (json) {
    console.log(JSON.stringify({ image: file, predicted: best.label, probabilities: [...probabilities] }));
    return;
  }
  const rest = others.slice(0, 2).map(({ label, probability }) => `${label} ${formatProbability(probability)}`);
  console.log(`${file}: ${best.label} (${formatProbability(best.probability)}; then ${rest.join(', ')})`);
}

function printTestImages(
  predictions: Predictions,
  { json, svg }: { readonly json: boolean; readonly svg: string | undefined },
): void {
  if (svg !== undefined) {
    try {
      writeFileSync(svg, renderPredictionsSvg(predictions));
    } catch (error) {
      throw badInput(`--svg ${svg}: ${messageOf(error)}`, error);
    }
  }
  if (!json) {
    console.log(renderPredictionsText(predictions, { colour: wantsColour() }));
    return;
  }
  const rows = listPredictions(predictions).map(({ label, predicted, probability }) => ({
    label,
    predicted,
    probability,
  }));
  console.log(JSON.stringify(rows));
}
