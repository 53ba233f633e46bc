import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { path } from '../settings/schemas.ts';
import type { Setting } from '../settings/setting.ts';
import { badInput, messageOf } from '../shared/core/errors.ts';

/** `--html` of every command that has a report. */
export const htmlSetting = {
  type: 'string',
  describe: 'File for a report with plots',
  schema: path.optional(),
} as const satisfies Setting;

/** @throws bad-input when the file named by `--html` cannot be written */
export function writeReport(file: string, page: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, page);
  } catch (error) {
    throw badInput(`--html ${file}: ${messageOf(error)}`, error);
  }
}
