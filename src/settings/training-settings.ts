/** What is trained, and for how long. */
import { z } from 'zod';
import { allReduceNames, collectiveOf } from '../shared/collectives/registry.ts';
import { modelNames, optimizerNames } from '../shared/model/model-spec.ts';
import { choice, compression, flag, integer, number, positive } from './schemas.ts';
import type { Parsed, SettingsTable } from './setting.ts';

/**
 * Skipped steps in a row after which the next one stops the run: a model that diverged computes nothing finite any more. A
 * loss scale that starts at 2^16 and is halved by each overflow, as by default in DeepSpeed, is at its minimum of 1 after as
 * many, and DeepSpeed gives up.
 */
export const mostSkippedInRow = 16;

/** Updates that a worker makes on its own in a step. */
export const mostLocalSteps = 10_000;

/** Whether faster workers get larger shares; `auto`: when the workers differ. */
export const balanceModes = ['auto', 'on', 'off'] as const;

/**
 * The outer update takes over the mean, as in federated averaging (McMahan et al., 2017, arXiv:1602.05629). That of DiLoCo
 * (Douillard et al., 2023, arXiv:2311.08105), 0.7 and 0.9, costs some accuracy in runs as short as those on MNIST:
 * docs/performance.md has the figures.
 */
export const outerUpdate = { learningRate: 1, momentum: 0 } as const;

const stepsOrSeconds = 'a whole number of steps, like 500, or seconds, like 30s';

export const trainingSettings = {
  model: {
    type: 'string',
    describe: `Model to train: ${modelNames.join(', ')}`,
    defaultText: 'cnn',
    schema: choice(modelNames).default('cnn'),
    keptOnResume: true,
  },
  epochs: {
    type: 'string',
    describe: 'Passes over the training data',
    defaultText: '5',
    schema: integer(1, 100_000).default(5),
  },
  steps: { type: 'string', describe: 'Stop after this many steps', schema: integer(1, 1e9).optional() },
  batchSize: {
    type: 'string',
    describe: 'Global batch: samples per update over all workers',
    defaultText: '64',
    schema: integer(1, 1 << 20).default(64),
    keptOnResume: true,
  },
  localSteps: {
    type: 'string',
    describe:
      'Updates that each worker makes on its own before all go on from their mean, for slow links; together they are one step',
    defaultText: '1',
    schema: integer(1, mostLocalSteps).default(1),
    keptOnResume: true,
  },
  outerLr: {
    type: 'string',
    describe: 'Learning rate of the update towards that mean; DiLoCo has 0.7',
    defaultText: String(outerUpdate.learningRate),
    schema: positive.optional(),
    keptOnResume: true,
  },
  outerMomentum: {
    type: 'string',
    describe: 'Its Nesterov momentum, 0 to below 1; DiLoCo has 0.9',
    defaultText: String(outerUpdate.momentum),
    schema: number.pipe(z.number().min(0, '0 or more').lt(1, 'below 1')).optional(),
    keptOnResume: true,
  },
  optimizer: {
    type: 'string',
    describe: `Optimizer: ${optimizerNames.join(', ')}`,
    defaultText: 'adam',
    schema: choice(optimizerNames).default('adam'),
    keptOnResume: true,
  },
  lr: {
    type: 'string',
    describe: 'Learning rate',
    defaultText: '0.001',
    schema: positive.default(0.001),
    keptOnResume: true,
  },
  seed: {
    type: 'string',
    describe: 'Seed of the initial parameters and of the sample order',
    defaultText: '1',
    schema: integer(0, 2 ** 32 - 1).default(1),
    keptOnResume: true,
  },
  allReduce: {
    type: 'string',
    describe: `How gradients are summed: ${allReduceNames.map((name) => `${name} (${collectiveOf(name).description})`).join(', ')}, or auto (workers read each other where they can, by whichever of these a model takes to be fastest over links that are measured)`,
    defaultText: 'auto',
    schema: choice(['auto', ...allReduceNames]).default('auto'),
  },
  compress: {
    type: 'string',
    describe:
      'Send gradients compressed, for slow links: none, bf16 (half as long), int8 (a quarter), or topk:P (the largest P % of each bucket, P above 0 and below 50); what is left out is added to the next step. On fast links it takes longer than it saves: see plan --compress',
    defaultText: 'none',
    schema: compression.default('none'),
    keptOnResume: true,
  },
  deterministic: {
    type: 'boolean',
    describe:
      'Come to the same parameters, bit for bit, with any number of workers, any shares, and through losses, joins and resume; needs --backend wasm or cpu, one thread each, on CPUs of one model',
    schema: flag.optional(),
    keptOnResume: true,
  },
  balance: {
    type: 'string',
    describe: 'Give faster workers larger shares: on, off, or auto (on when the workers differ)',
    defaultText: 'auto',
    schema: choice(balanceModes).default('auto'),
  },
  onDesync: {
    type: 'string',
    describe:
      'When a replica differs from others of its kind: stop the run, or heal it with the state of most of them, if there are most',
    defaultText: 'stop',
    schema: choice(['stop', 'heal']).default('stop'),
  },
  skipNonfinite: {
    type: 'boolean',
    describe: `Skip a step whose loss or gradient is not finite, and count it, instead of stopping the run; after ${mostSkippedInRow} in a row the next one stops it all the same`,
    schema: flag.optional(),
  },
  checkpointEvery: {
    type: 'string',
    describe: 'Write a checkpoint every so many steps (500) or seconds (30s), besides the end of each epoch',
    schema: z
      .union([z.number(), z.string()], stepsOrSeconds)
      .transform((value) =>
        /^\d+(\.\d+)?s$/.test(String(value)) ? `${Number.parseFloat(String(value))}s` : Number(value),
      )
      .refine(
        (every) => (typeof every === 'number' ? Number.isInteger(every) && every >= 1 && every <= 1e9 : every !== '0s'),
        stepsOrSeconds,
      )
      .optional(),
  },
  targetAccuracy: {
    type: 'string',
    describe: 'Stop after the first epoch whose test accuracy reaches this, 0 to 1',
    schema: number.pipe(z.number().gt(0, 'greater than 0').max(1, 'at most 1')).optional(),
  },
} as const satisfies SettingsTable;

export type TrainingConfig = Parsed<typeof trainingSettings>;
/** Steps as a number, seconds as text, `30s`. */
export type CheckpointEvery = NonNullable<TrainingConfig['checkpointEvery']>;
export type BalanceMode = TrainingConfig['balance'];
