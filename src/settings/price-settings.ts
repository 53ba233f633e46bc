/** How a worker's price is looked up in the price table. */
import { z } from 'zod';
import { path } from './schemas.ts';
import type { Setting } from './setting.ts';

export const gpuSetting = {
  type: 'string',
  describe:
    'Label of the GPU in summaries and metrics; one like gcp/t4/spot or aws/c7a/on-demand also looks up its price',
  // The table has its labels in lower case: `gcp/T4/spot` is the same worker.
  schema: z
    .string('a label')
    .trim()
    .toLowerCase()
    .min(1, 'a label')
    .max(200, 'a label of at most 200 characters')
    .optional(),
} as const satisfies Setting;

/** The user's own price table. Every command that looks up prices has it. */
export const pricesSetting = {
  type: 'string',
  describe: 'CSV or YAML file of prices that override those of the built-in table',
  schema: path.optional(),
  isPath: true,
} as const satisfies Setting;
