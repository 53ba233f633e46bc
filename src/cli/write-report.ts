import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { badInput, messageOf } from '../shared/core/errors.ts';

/** @throws bad-input when the file named by `--html` cannot be written */
export function writeReport(file: string, page: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, page);
  } catch (error) {
    throw badInput(`--html ${file}: ${messageOf(error)}`, error);
  }
}
