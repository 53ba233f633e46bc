import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { fileLimits } from '../../../../src/shared/files/file-limits.ts';
import { maxParameters, requireModelFits } from '../../../../src/shared/model/model-fit.ts';
import { modelNames } from '../../../../src/shared/model/model-spec.ts';
import { parameterCount } from '../../../../src/shared/model/parameter-count.ts';

const text = readFileSync(new URL('../../../../docs/limits.md', import.meta.url), 'utf8');

test('the documentation lists every limit of files, as it is', () => {
  const rows = [...text.matchAll(/^\|.*\(`(\w+)`\) \| (\d+) MiB \|$/gm)];
  const documented = Object.fromEntries(rows.map(([, name = '', mebibytes]) => [name, Number(mebibytes)]));
  const actual = Object.entries(fileLimits).filter(([name]) => name !== 'lock');
  expect(documented).toEqual(Object.fromEntries(actual.map(([name, bytes]) => [name, Math.round(bytes / 2 ** 20)])));
});

test('and the smallest and largest images of every model', () => {
  for (const name of modelNames) {
    const row = text.match(new RegExp(`^\\| \`${name}\` \\| (\\d+) × \\1 \\| ([\\d,]+) × \\2 \\|$`, 'm')) ?? [];
    const [smallest, largest] = row.slice(1).map((side) => Number(side.replace(',', '')));
    if (smallest === undefined || largest === undefined) throw new Error(`${name} is missing`);
    const spec = (side: number) => ({ name, inputShape: [side, side, 1], classes: 10 }) as const;
    expect(() => requireModelFits(spec(smallest), { name: '' })).not.toThrow();
    expect(() => requireModelFits(spec(smallest - 1), { name: '' })).toThrow();
    expect(parameterCount(spec(largest))).toBeLessThanOrEqual(maxParameters);
    expect(parameterCount(spec(largest + 1))).toBeGreaterThan(maxParameters);
  }
  expect(text.match(/134,217,728 parameters/g)).toHaveLength(2);
  expect(maxParameters).toBe(134_217_728);
});
