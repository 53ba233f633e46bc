import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { forEachLine } from '../../../../src/shared/files/file-lines.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const file = join(temporaryFolder(), 'lines');

async function linesOf(content: string | Buffer, longest = 1e6): Promise<(string | undefined)[]> {
  writeFileSync(file, content);
  const lines: (string | undefined)[] = [];
  await forEachLine(file, longest, (text, number) => {
    expect(number).toBe(lines.length + 1);
    lines.push(text);
  });
  return lines;
}

test('whole lines come in order, and what was cut off does not', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.string({ unit: 'grapheme' })), fc.string(), async (lines, rest) => {
      const clean = lines.map((line) => line.replaceAll('\n', ''));
      const text = clean.map((line) => `${line}\n`).join('') + rest.replaceAll('\n', '');
      expect(await linesOf(text)).toEqual(clean);
    }),
    { numRuns: 50 },
  );
});

test('lines longer than a piece are put together, and those that are too long are left out', async () => {
  const long = randomBytes(400_000).toString('hex');
  expect(await linesOf(`a\n${long}\nb\n`)).toEqual(['a', long, 'b']);
  expect(await linesOf(`a\n${long}\nb\n`, 799_999)).toEqual(['a', undefined, 'b']);
  expect(await linesOf(`${'é'.repeat(262_143)}\n`)).toEqual(['é'.repeat(262_143)]);
});

test('a pipe, which may never end, is refused', async () => {
  await expect(forEachLine('/dev/zero', 100, () => {})).rejects.toThrow(/not a file but a device/);
});
