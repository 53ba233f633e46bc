/** What workers cost, by the price table. */
import { z } from 'zod';
import { path } from './schemas.ts';
import type { Setting } from './setting.ts';

export const gpuSetting = {
  type: 'string',
  describe: 'What it is in summaries and metrics; a label like gcp/t4/spot also looks its price up',
  // In small letters, as the table writes labels: `gcp/T4/spot` is no other kind of worker.
  schema: z
    .string('a label')
    .trim()
    .toLowerCase()
    .min(1, 'a label')
    .max(200, 'a label of at most 200 characters')
    .optional(),
} as const satisfies Setting;

/** A price table of the user's own, of every command that looks prices up. */
export const pricesSetting = {
  type: 'string',
  describe: 'CSV or YAML file of prices, laid over those that are shipped',
  schema: path.optional(),
} as const satisfies Setting;
