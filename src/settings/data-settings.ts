/** What is trained on, and where it comes from. */
import { z } from 'zod';
import { path } from './schemas.ts';
import type { Parsed, SettingsTable } from './setting.ts';

/** Where data comes from: needed by every command that reads a dataset. */
export const sourceSettings = {
  dataDir: {
    type: 'string',
    describe: 'Folder with the four IDX files of the dataset, gzipped or not',
    schema: path.optional(),
  },
  cacheDir: { type: 'string', describe: "Where downloads are kept (the user's cache folder)", schema: path.optional() },
  mirrors: {
    type: 'string',
    describe: 'URLs of folders to download IDX files from, separated by commas',
    schema: z
      .string()
      .transform((list) => list.split(',').map((url) => url.trim()))
      .pipe(z.array(z.url({ protocol: /^https?$/, error: 'http(s) URLs separated by commas' })))
      .optional(),
  },
} as const satisfies SettingsTable;

export const dataSettings = {
  dataset: {
    type: 'string',
    describe: 'mnist, fashion-mnist, kmnist, digits (generated), or a folder of four IDX files',
    defaultText: 'mnist',
    schema: z.string().min(1, 'a name or a folder').optional(),
    keptOnResume: true,
  },
  ...sourceSettings,
} as const satisfies SettingsTable;

export type DataConfig = Parsed<typeof dataSettings>;
