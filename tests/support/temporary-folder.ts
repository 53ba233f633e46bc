import { mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const prefix = 'test-';

/** A new folder, which is removed when all tests of the file have run. */
export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), prefix));
}

/** What is in a test file's temporary folder that the tests have not made for themselves. */
export function leftFiles(folder: string): readonly string[] {
  return readdirSync(folder).filter((name) => !name.startsWith(prefix));
}
