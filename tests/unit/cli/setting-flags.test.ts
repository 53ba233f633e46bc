import { expect, it } from 'vitest';
import { findWrongSwitch, yargsOptions } from '../../../src/cli/setting-flags.ts';
import { flag, path } from '../../../src/settings/schemas.ts';

const table = {
  skipNonfinite: { type: 'boolean', describe: 'a switch', schema: flag.optional() },
  model: { type: 'string', describe: 'no switch', schema: path.optional() },
} as const;

it.each([
  ['maybe', "'maybe'"],
  ['TRUE', "'TRUE'"],
  ['1', "'1'"],
  ['', 'nothing'],
])('a switch is not told %j, which would be taken for false', (value, named) => {
  expect(findWrongSwitch(['train', '--model', 'cnn', `--skip-nonfinite=${value}`], table)).toBe(
    `--skip-nonfinite must be true or false, got ${named}; --skip-nonfinite alone is true`,
  );
});

it.each([
  [['--skip-nonfinite']],
  [['--skip-nonfinite=true', '--skip-nonfinite=false']],
  [['--no-skip-nonfinite']],
  [['--model=maybe', '--unknown=maybe', 'skip-nonfinite=maybe']],
  [['--', '--skip-nonfinite=maybe']],
])('nothing is wrong with %j', (args) => {
  expect(findWrongSwitch(args, table)).toBeUndefined();
});

it.each([true, false])('every setting is a flag, and in the help if that is wanted: %j', (inHelp) => {
  expect(yargsOptions(table, inHelp)).toEqual({
    'skip-nonfinite': { describe: 'a switch', hidden: !inHelp, global: false, type: 'boolean' },
    model: { describe: 'no switch', hidden: !inHelp, global: false, requiresArg: true },
  });
});
