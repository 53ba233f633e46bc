/** Where a run's files go, and what is printed. */
import { flag, integer, path } from './schemas.ts';
import type { Parsed, SettingsTable } from './setting.ts';

export const folderSettings = {
  out: {
    type: 'string',
    describe: 'Folder for the files of the run',
    defaultText: 'runs/<run-id>',
    schema: path.optional(),
  },
  resume: {
    type: 'string',
    describe: 'Resume the run in this folder, from its last checkpoint and with its settings',
    schema: path.optional(),
  },
  keep: {
    type: 'string',
    describe: 'How many of the newest checkpoints stay in that folder',
    defaultText: '2',
    schema: integer(1, 1e6).default(2),
  },
} as const satisfies SettingsTable;

export const printSettings = {
  json: { type: 'boolean', describe: 'Print one JSON object per line on stdout', schema: flag.default(false) },
  quiet: { type: 'boolean', describe: 'Print no progress, only the summary', schema: flag.default(false) },
} as const satisfies SettingsTable;

export type PrintConfig = Parsed<typeof printSettings>;
