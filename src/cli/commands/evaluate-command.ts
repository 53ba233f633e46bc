import { z } from 'zod';
import { printSettings } from '../../settings/output-settings.ts';
import { resolveSettings } from '../../settings/resolve-settings.ts';
import { formatLoss, formatPercent } from '../../shared/core/number-format.ts';
import type { Command } from '../command.ts';
import { openTrainedRun, runPositional, trainedRunSettings } from '../trained-run.ts';

const evaluateSettings = {
  ...trainedRunSettings,
  split: {
    type: 'string',
    describe: 'Images to evaluate on: test or train',
    defaultText: 'test',
    schema: z.enum(['test', 'train'], { error: 'test or train' }).default('test'),
  },
  json: printSettings.json,
} as const;

export const evaluateCommand: Command = {
  settings: evaluateSettings,
  examples: [
    ['$0 evaluate runs/RUN-ID', 'on the test images of its dataset'],
    ['$0 evaluate runs/RUN-ID --dataset digits --json', 'on another dataset, for machines'],
  ],
  options: (command) => command.positional('run', runPositional),
  async run(argv) {
    const settings = resolveSettings(evaluateSettings, argv, process.env, undefined);
    const { path, dataset, engine, saved } = await openTrainedRun(String(argv.run), settings);
    const { split, json } = settings;
    const { count } = dataset[split];
    const { lossSum, correct } = await engine.evaluate(split, 0, count);
    const result = { loss: lossSum / count, accuracy: correct / count, samples: count };
    engine.dispose();
    if (json) {
      console.log(
        JSON.stringify({ checkpoint: path, step: saved.checkpoint.step, dataset: dataset.name, split, ...result }),
      );
      return;
    }
    console.log(`${path} on ${count} ${split} images of ${dataset.name}, engine ${engine.name}`);
    console.log(`loss ${formatLoss(result.loss)}, accuracy ${formatPercent(result.accuracy, 2)}`);
  },
};
