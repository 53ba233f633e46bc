/** The dataset, and where it comes from. */
import { z } from 'zod';
import { httpUrls, path } from './schemas.ts';
import type { Parsed, SettingsTable } from './setting.ts';

/** Where to find a dataset. Every command that reads one has these. */
export const sourceSettings = {
  dataDir: {
    type: 'string',
    describe: "Folder with the dataset's four IDX files, gzipped or not",
    schema: path.optional(),
    isPath: true,
  },
  cacheDir: {
    type: 'string',
    describe: 'Folder that downloads and drawn digits are kept in',
    defaultText: "the user's cache folder",
    schema: path.optional(),
    isPath: true,
  },
  mirrors: {
    type: 'string',
    describe: 'URLs of folders to download the IDX files from, separated by commas',
    schema: z
      .string('http(s) URLs separated by commas')
      .transform((list) => list.split(',').map((url) => url.trim()))
      .pipe(httpUrls)
      .optional(),
  },
} as const satisfies SettingsTable;

export const dataSettings = {
  dataset: {
    type: 'string',
    describe: 'mnist, fashion-mnist, kmnist, digits (generated), or a folder of four IDX files',
    defaultText: 'mnist',
    schema: z.string('a name or a folder').min(1, 'a name or a folder').optional(),
  },
  ...sourceSettings,
} as const satisfies SettingsTable;

export type DataConfig = Parsed<typeof dataSettings>;
