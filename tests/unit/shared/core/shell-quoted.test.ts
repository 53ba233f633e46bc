import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { shellQuoted } from '../../../../src/shared/core/shell-quoted.ts';

it('leaves plain paths as they are', () => {
  expect(shellQuoted('runs/20260102-mnist_cnn-w2')).toBe('runs/20260102-mnist_cnn-w2');
});

it('is one word to a shell, whatever the text', () => {
  const text = fc.string({ minLength: 1, unit: 'grapheme' }).filter((value) => !/[\0\n\r]/.test(value));
  const texts = [
    ...fc.sample(text, { numRuns: 200, seed: 1 }),
    "it's",
    '$(reboot)',
    '`a`',
    'a b',
    '"',
    '\\',
    '*',
    '~/a',
    '',
  ];
  const script = texts.map((value) => `printf '%s\\n' ${shellQuoted(value)}`).join('\n');
  expect(execFileSync('sh', ['-c', script], { encoding: 'utf8' })).toBe(texts.map((value) => `${value}\n`).join(''));
});
