import { writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { path } from '../settings/schemas.ts';
import type { Setting } from '../settings/setting.ts';
import { badInput, messageOf } from '../shared/core/errors.ts';
import { makeFolder } from '../shared/files/make-folder.ts';

/** `--html`, for commands that have a report. */
export const htmlSetting = {
  type: 'string',
  describe: 'Write a report with plots to this file',
  schema: path.optional(),
} as const satisfies Setting;

/** @throws bad-input when the file cannot be written */
export function writeReport(file: string, page: string): void {
  try {
    makeFolder(dirname(file));
    writeFileSync(file, page);
  } catch (error) {
    throw badInput(`--html ${file}: ${messageOf(error)}`, error);
  }
}
