import { describe, expect, it } from 'vitest';
import { membershipSettings } from '../../../src/settings/membership-settings.ts';
import { resolveSettings, writtenSettings } from '../../../src/settings/resolve-settings.ts';

const { dropStragglers } = membershipSettings;
const limitOf = (flag: unknown, values: Record<string, unknown> = {}) =>
  resolveSettings({ dropStragglers }, { dropStragglers: flag }, {}, { path: 'run.yaml', values }).dropStragglers;

describe('from how many times as long stragglers are dropped', () => {
  it.each([
    ['3x', 3],
    ['3', 3],
    ['1.5x', 1.5],
    ['2.5', 2.5],
    ['none', undefined],
    [undefined, undefined],
  ])('%s is %s', (given, limit) => {
    expect(limitOf(given)).toBe(limit);
  });

  it('may be a number in a file, which a flag turns off', () => {
    expect(limitOf(undefined, { 'drop-stragglers': 4 })).toBe(4);
    expect(limitOf('none', { 'drop-stragglers': '4x' })).toBeUndefined();
  });

  it.each(['1', '1.49x', '0', '-3x', '1001x', 'x', '3xx', 'fast', ''])('is not %j', (given) => {
    expect(() => limitOf(given)).toThrow(
      `--drop-stragglers must be a number of times from 1.5 to 1000, like 3x, or none, got ${given === '' ? 'nothing' : `'${given}'`}`,
    );
  });

  it('is written as it may be given again', () => {
    expect(writtenSettings({ dropStragglers }, { dropStragglers: 2.5 })).toEqual({ dropStragglers: '2.5x' });
  });
});
