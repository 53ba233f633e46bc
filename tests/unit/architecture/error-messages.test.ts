import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const source = fileURLToPath(new URL('../../../src/', import.meta.url));

test('what was got is shown by describeGiven, which has a word for nothing, and never between quotes of its own', () => {
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  const offenders = files.filter((name) => /\bgot ['"]\$\{/.test(readFileSync(join(source, name), 'utf8')));
  expect(files.length).toBeGreaterThan(100);
  expect(offenders).toEqual([]);
});
