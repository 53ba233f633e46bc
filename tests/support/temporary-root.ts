/** Vitest's global setup: one folder for all that a run of the suite writes, and an error when something is left in it. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { leftFiles } from './temporary-folder.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Each test file makes a folder of its own in it. */
    temporaryRoot: string;
  }
}

export function setup({ provide }: TestProject): () => void {
  const root = mkdtempSync(join(tmpdir(), 'pennygrad-tests-'));
  provide('temporaryRoot', root);
  return () => {
    // Folders are left by files in which every test is skipped, and by processes that ended before their time.
    const left = readdirSync(root).flatMap((folder) => leftFiles(join(root, folder)));
    rmSync(root, { recursive: true, force: true });
    if (left.length === 0) return;
    // Vitest prints what a teardown throws, and ends as if nothing had been.
    process.exitCode = 1;
    throw new Error(`left behind in the temporary folder: ${left.join(', ')}`);
  };
}
