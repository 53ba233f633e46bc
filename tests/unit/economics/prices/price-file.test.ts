import { describe, expect, it } from 'vitest';
import { parsePriceFile } from '../../../../src/economics/prices/price-file.ts';

const head = 'gpu,provider,usd_per_hour,date';
const csv = (...lines: readonly string[]) => parsePriceFile('folder/prices.csv', lines.join('\n'));

describe('a price table', () => {
  it('needs four columns; what is left out has a plain meaning, and the file as its source', () => {
    expect(csv(head, 'T4,acme,0.2,2026-01')).toEqual([
      {
        gpu: 'T4',
        provider: 'acme',
        market: 'on-demand',
        usdPerHour: 0.2,
        instanceUsdPerHour: 0.2,
        gpuCount: 1,
        gpuMemoryGb: undefined,
        instance: undefined,
        region: undefined,
        scope: 'vm',
        grade: undefined,
        date: '2026-01-01',
        dateText: '2026-01',
        source: 'prices.csv',
        note: undefined,
      },
    ]);
  });

  it('divides the price of an instance by its GPUs', () => {
    expect(csv(`${head},gpu_count`, 'H100,acme,16,2026-01,8')[0]).toMatchObject({
      usdPerHour: 2,
      instanceUsdPerHour: 16,
    });
  });

  it('reads the same from YAML, JSON, and CSV with Windows line ends, a byte order mark and blank lines', () => {
    const [row] = csv(`${head},market`, 'T4,acme,0.2,2026-01,spot');
    const withSource = (source: string) => [{ ...row, source }];
    const yaml = '- gpu: T4\n  provider: acme\n  usd_per_hour: 0.2\n  date: 2026-01\n  market: Spot\n';
    expect(parsePriceFile('prices.yaml', yaml)).toEqual(withSource('prices.yaml'));
    const json = JSON.stringify([{ gpu: 'T4', provider: 'acme', usd_per_hour: 0.2, date: '2026-01', pricing: 'spot' }]);
    expect(parsePriceFile('prices.json', json)).toEqual(withSource('prices.json'));
    const windows = `\ufeff${head},market\r\n\r\nT4,acme,0.2,2026-01,spot\r\n`;
    expect(parsePriceFile('prices.csv', windows)).toEqual([row]);
  });

  it.each([
    [
      [head, 'T4,acme,0.2,2026-01', '', '', '', '', 'T4,acme,abc,2026-01'],
      "prices.csv line 7: usd_per_hour must be a positive number, got 'abc'",
    ],
    [[head, 'T4,acme,0,2026-01'], "line 2: usd_per_hour must be a positive number, got '0'"],
    [[head, 'T4,acme,,2026-01'], 'line 2: usd_per_hour is missing; it must be a positive number'],
    [[head, 'T4,acme,Infinity,2026-01'], "line 2: usd_per_hour must be a positive number, got 'Infinity'"],
    [[head, 'T4,acme,1,yesterday'], 'line 2: date must be 2025-06-01, 2025-06,'],
    [['gpu,provider,usd_per_hour', 'T4,acme,1'], 'line 2: date is missing'],
    [[`${head},colour`, 'T4,acme,1,2026-01,red'], "line 2: unknown column 'colour'; the columns are gpu, provider,"],
    [[`${head},toString`, 'T4,acme,1,2026-01,red'], "line 2: unknown column 'toString'"],
    [[`${head},year_month`, 'T4,acme,1,2026-01,2026-01'], 'line 2: date is given twice, once as year_month'],
    [
      ['gpu,provider,usd_per_hour,date,usd_per_hour', 'T4,acme,1,2026-01,2'],
      "prices.csv: columns 3 and 5 are both named 'usd_per_hour'",
    ],
    [
      [head, 'T4,acme,1,~2026-05..2026-01'],
      "(the earlier month first), pre-2025-06 or undated, got '~2026-05..2026-01'",
    ],
    [[`${head},scope`, 'T4,acme,1,2026-01,card'], "line 2: scope must be vm or gpu-only, got 'card'"],
    [
      [`${head},gpu_count,usd_per_gpu_hour`, 'T4,acme,8,2026-01,8,2'],
      'line 2: usd_per_gpu_hour must be usd_per_hour / gpu_count = 1',
    ],
    [
      [head, 'T4,acme,1,2026-01', 'T4,acme,1'],
      'prices.csv: Invalid Record Length: columns length is 4, got 3 on line 3',
    ],
    [[head], 'prices.csv: has no prices'],
    [[''], 'prices.csv: has no prices'],
  ])('is refused with the line and the column: %j', (lines, message) => {
    expect(() => csv(...lines)).toThrow(message);
  });

  it.each([
    ['- gpu: T4\n- gpu: L4\n', 'prices.yml line 1: provider is missing'],
    [
      '# mine\n\n- {gpu: T4, provider: acme, usd_per_hour: -1, date: 2026-01}',
      "prices.yml line 3: usd_per_hour must be a positive number, got '-1'",
    ],
    [
      '- gpu: T4\n  provider: acme\n  usd_per_hour: cheap\n  date: 2026-01\n',
      "prices.yml line 3: usd_per_hour must be a positive number, got 'cheap'",
    ],
    ['- gpu: T4\n  provider: acme\n  colour:\n    red\n', "prices.yml line 4: unknown column 'colour'"],
    ['- gpu: [T4]\n  provider: acme', 'prices.yml line 1: gpu must be the name of a GPU, got a list'],
    ['- provider: acme\n  gpu: {name: T4}', 'prices.yml line 2: gpu must be the name of a GPU, got a map'],
    ['# mine\ngpu: T4', 'prices.yml line 2: must be a list of prices'],
    [
      '- {gpu: T4, provider: acme, usd_per_hour: 1, date: 2026-01}\n- T4',
      'prices.yml line 2: must be a list of prices',
    ],
    ['- {gpu: [', 'prices.yml: '],
    ['', 'prices.yml: must be a list of prices'],
  ])('is refused as YAML too: %j', (text, message) => {
    expect(() => parsePriceFile('prices.yml', text)).toThrow(message);
  });
});
