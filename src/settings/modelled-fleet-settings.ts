/** Fleets that `plan` models without having measured them: workers, their links, and what they compute. */
import { type ModelledAlgorithm, modelledAlgorithms } from '../shared/collectives/cost-model.ts';
import { maxWorldSize } from '../shared/protocol/limits.ts';
import { linkDelay } from './link-delay.ts';
import { linkRate } from './link-rate.ts';
import { between, choice, compression, integer, listOf, positive } from './schemas.ts';
import type { SettingsTable } from './setting.ts';
import { mostLocalSteps } from './training-settings.ts';

/** As many as a run can have. */
const mostWorkers = maxWorldSize;
const mostParameters = 1e11;

export const modelledFleetSettings = {
  /** Its presence asks for modelled fleets. */
  link: {
    type: 'string',
    describe: "Model fleets that nobody has measured: the rate of each machine's link, like 25gbit",
    schema: linkRate.optional(),
  },
  workers: {
    type: 'string',
    describe: `With --link: numbers of workers, 1 to ${mostWorkers}, separated by commas`,
    schema: listOf(integer(1, mostWorkers), '1,8,64').optional(),
  },
  delay: {
    type: 'string',
    describe: 'With --link: how long a message is on its way, in one direction',
    defaultText: '0.1ms',
    schema: linkDelay.default(1e-4),
  },
  parameters: {
    type: 'string',
    describe: 'With --link: parameters of the model, like 25e6; needed without a run',
    schema: integer(1, mostParameters, 'a number like 25e6').optional(),
  },
  batchSize: {
    type: 'string',
    describe: 'With --link: samples of an update, over all workers',
    defaultText: "the run's, or 64",
    schema: integer(1, 1e9).optional(),
  },
  localSteps: {
    type: 'string',
    describe:
      'With --link: updates that each worker makes on its own between two exchanges, as train --local-steps has it',
    defaultText: "the run's, or 1",
    schema: integer(1, mostLocalSteps).optional(),
  },
  stepSeconds: {
    type: 'string',
    describe: 'With --link: seconds that one worker alone computes for one update on the whole batch',
    defaultText: 'as in the run',
    schema: positive.optional(),
  },
  samplesPerSecond: {
    type: 'string',
    describe: 'With --link: samples per second of one worker alone, instead of --step-seconds',
    schema: positive.optional(),
  },
  allReduce: {
    type: 'string',
    describe: 'With --link: star, mesh or ring; auto: all of them',
    defaultText: 'auto',
    schema: choice(['auto', 'star', 'mesh', 'ring']).default('auto'),
  },
  compress: {
    type: 'string',
    describe: 'With --link: model a mesh with train --compress as well, and say whether it wins: bf16, int8 or topk:P',
    schema: compression.optional(),
  },
  overlap: {
    type: 'string',
    describe: 'With --link: the last part of computing in which gradients already leave, 0 to 1',
    defaultText: '0',
    schema: between(0, 1).default(0),
  },
  spread: {
    type: 'string',
    describe: 'With --link: how unequally long workers compute, as the standard deviation of the logarithm, 0 to 1',
    defaultText: '0',
    schema: between(0, 1).default(0),
  },
} as const satisfies SettingsTable;

/** The algorithms that a value of --all-reduce stands for. */
export function algorithmsOf(chosen: 'auto' | 'star' | 'mesh' | 'ring'): readonly ModelledAlgorithm[] {
  switch (chosen) {
    case 'auto':
      return modelledAlgorithms;
    case 'mesh':
      return ['mesh', 'mesh-two-shot'];
    case 'star':
    case 'ring':
      return [chosen];
    default:
      return chosen satisfies never;
  }
}
