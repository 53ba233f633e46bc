/** Files and folders that users name are opened in one place each, which knows no file without an end or a limit. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../../src', import.meta.url));
const sources = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));

function filesWith(pattern: RegExp): readonly string[] {
  return sources.filter((name) => pattern.test(readFileSync(join(root, name), 'utf8'))).sort();
}

test('only files of the program and of the system are read without a limit', () => {
  expect(filesWith(/\b(readFile|readFileSync|createReadStream|openAsBlob)\(/)).toEqual(
    [
      // What the package holds.
      'coordinator/live/page-files.ts',
      'economics/prices/price-table.ts',
      'engine/wasm/kernel-module.ts',
      'report/html/report-assets.ts',
      'shared/core/version.ts',
      'shared/data/npm-package.ts',
      // What setup and benchmarks have installed.
      'bench/peers/python-environment.ts',
      'engine/tensorflow/tensorflow-installation.ts',
      'engine/webgpu/webgpu-backend.ts',
      'engine/webgpu/webgpu-packages.ts',
      'setup/native-binding.ts',
      'setup/npm-install.ts',
      'setup/train-three-steps.ts',
      // What the kernel says.
      'bench/failures/killed-run.ts',
      'bench/failures/process-use.ts',
      'bench/peers/cores.ts',
      'shared/files/process-identity.ts',
      'engine/usable-cores.ts',
      'shared/transport/vectors-in-memory.ts',
      'doctor/facts/port-holder.ts',
    ].sort(),
  );
});

test('files are opened for reading in one place, and for writing in one for each way to write', () => {
  const opens = /import \{[^}]*\b(open|openSync)\b[^}]*\} from 'node:fs/;
  expect(filesWith(opens)).toEqual([
    'shared/files/atomic-files.ts',
    'shared/files/atomic-folder.ts',
    'shared/files/bounded-file.ts',
    'shared/files/line-file.ts',
    // In memory, and no user names them.
    'shared/transport/vectors-in-memory.ts',
  ]);
});

test('folders are made in one place, but for the draft of one that is written whole', () => {
  expect(filesWith(/\bmkdir(Sync)?\(/)).toEqual(['shared/files/atomic-folder.ts', 'shared/files/make-folder.ts']);
});
