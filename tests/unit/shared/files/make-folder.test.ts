import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeFolder } from '../../../../src/shared/files/make-folder.ts';
import { needs } from '../../../support/machine-parts.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const onLinux = await needs('linux');

test('makes what is missing of a path, and says what it made, the outermost first', () => {
  const root = temporaryFolder();
  const path = join(root, 'a', 'b', 'c');
  mkdirSync(join(root, 'a'));
  expect(makeFolder(path)).toEqual([join(root, 'a', 'b'), path]);
  expect(statSync(path).isDirectory()).toBe(true);
  expect(makeFolder(path)).toEqual([]);
  expect(makeFolder('/')).toEqual([]);
});

test('fails where a file is in the way', () => {
  const root = temporaryFolder();
  const file = join(root, 'file');
  writeFileSync(file, '');
  expect(() => makeFolder(file)).toThrow('EEXIST');
  expect(() => makeFolder(join(file, 'inner', 'most'))).toThrow('ENOTDIR');
});

// Node's own `mkdir` with `recursive` never returns here.
onLinux.it('fails where the system makes no folders', () => {
  expect(() => makeFolder('/proc/pennygrad')).toThrow("mkdir '/proc/pennygrad'");
  expect(() => makeFolder('/proc/pennygrad/runs/a')).toThrow("mkdir '/proc/pennygrad'");
  expect(existsSync('/proc/pennygrad')).toBe(false);
});
