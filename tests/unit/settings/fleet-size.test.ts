import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readConfigFile } from '../../../src/settings/config-file.ts';
import { formatFleetSize } from '../../../src/settings/fleet-size.ts';
import { membershipSettings } from '../../../src/settings/membership-settings.ts';
import { resolveSettings } from '../../../src/settings/resolve-settings.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const { workers } = membershipSettings;
const sizeOf = (flag: unknown, values: Record<string, unknown> = {}) =>
  resolveSettings({ workers }, { workers: flag }, {}, { path: 'run.yaml', values }).workers;

describe('the size of a fleet', () => {
  it.each([
    ['4', { min: 4, max: 4 }],
    [4, { min: 4, max: 4 }],
    ['2:8', { min: 2, max: 8 }],
    ['1:1024', { min: 1, max: 1024 }],
    ['3:3', { min: 3, max: 3 }],
    [undefined, { min: 2, max: 2 }],
  ])('%s is %j', (given, size) => {
    expect(sizeOf(given)).toEqual(size);
  });

  it.each(['0', '1025', '-1', '1.5', 'two', '', ':', '2:', ':8', '0:2', '2:1025', '1:2:3', '2-8', '2:8 workers'])(
    'is not %j, and the error says what may be given',
    (given) => {
      expect(() => sizeOf(given)).toThrow(
        `--workers must be a number from 1 to 1024, or MIN:MAX of two such numbers, like 2:8, got ${given === '' ? 'nothing' : `'${given}'`}`,
      );
    },
  );

  it('is no map and no list', () => {
    expect(() => sizeOf(undefined, { workers: { min: 2, max: 8 } })).toThrow(
      'run.yaml: workers must be a number from 1 to 1024, or MIN:MAX of two such numbers, like 2:8, got a map',
    );
    expect(() => sizeOf(undefined, { workers: [2, 8] })).toThrow('run.yaml: workers must be one value, got a list');
  });

  it('is not one whose least is more than its most', () => {
    expect(() => sizeOf('8:2')).toThrow("--workers must be MIN:MAX with MIN at most MAX, got '8:2'");
  });

  it.each([4, '2:8', '1:2'])('written again is %s, a number if it was one', (given) => {
    expect(formatFleetSize(sizeOf(given))).toBe(given);
  });

  it('in a YAML file is no time of day', () => {
    const file = join(temporaryFolder(), 'run.yaml');
    writeFileSync(file, 'workers: 2:8\n');
    expect(sizeOf(undefined, readConfigFile(file).values)).toEqual({ min: 2, max: 8 });
  });
});
