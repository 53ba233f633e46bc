import { describe, expect, it } from 'vitest';
import { parsePriceFile } from '../../../../src/economics/prices/price-file.ts';

const head = 'gpu,provider,usd_per_hour,date';
const csv = (...lines: readonly string[]) => parsePriceFile('folder/prices.csv', lines.join('\n'));

describe('a price table', () => {
  it('needs four columns; what is left out has a plain meaning, and the file as its source', () => {
    expect(csv(head, 'T4,acme,0.2,2026-01')).toEqual([
      {
        unit: 'gpu',
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

  it('has GPUs and vCPUs in one file, each row by the column that names it', () => {
    const rows = csv('gpu,cpu,vcpu_count,provider,usd_per_hour,date', 'T4,,,acme,1,2026-01', ',c7a,4,acme,1,2026-01');
    expect(rows.map(({ unit, gpu, gpuCount, usdPerHour }) => [unit, gpu, gpuCount, usdPerHour])).toEqual([
      ['gpu', 'T4', 1, 1],
      ['vcpu', 'c7a', 4, 0.25],
    ]);
  });

  it('divides the price of an instance by its GPUs', () => {
    expect(csv(`${head},gpu_count`, 'H100,acme,16,2026-01,8')[0]).toMatchObject({
      usdPerHour: 2,
      instanceUsdPerHour: 16,
    });
  });

  it('takes the price of a GPU that is stated where it is that of the instance divided, but for rounding', () => {
    const [row] = csv(`${head},gpu_count,usd_per_gpu_hour`, 'H100,acme,80,2026-01,8,10.005');
    expect(row).toMatchObject({ usdPerHour: 10.005, instanceUsdPerHour: 80, gpuCount: 8 });
  });

  it('counts empty cells as left out, and spaces around text as none', () => {
    const yaml = "- {gpu: ' T4 ', provider: acme, usd_per_hour: 0.2, date: 2026-01, region: , note: ''}";
    expect(parsePriceFile('prices.yml', yaml)[0]).toMatchObject({ gpu: 'T4', region: undefined, note: undefined });
  });

  it('is CSV unless its name ends like YAML or JSON', () => {
    const text = `${head}\nT4,acme,0.2,2026-01`;
    for (const name of ['prices.yaml.csv', 'prices.json.txt', 'prices'])
      expect(parsePriceFile(name, text)).toHaveLength(1);
    for (const name of ['a.yaml', 'a.YML', 'a.json'])
      expect(() => parsePriceFile(name, text)).toThrow('a list of prices');
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
      "prices.csv line 7: usd_per_hour must be a positive number of at most 10000, got 'abc'",
    ],
    [[head, 'T4,acme,0,2026-01'], "line 2: usd_per_hour must be a positive number of at most 10000, got '0'"],
    [[head, 'T4,acme,,2026-01'], 'line 2: usd_per_hour is missing; it must be a positive number of at most 10000'],
    [
      [head, 'T4,acme,Infinity,2026-01'],
      "line 2: usd_per_hour must be a positive number of at most 10000, got 'Infinity'",
    ],
    [[head, 'T4,acme,10001,2026-01'], "line 2: usd_per_hour must be a positive number of at most 10000, got '10001'"],
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
    [[`${head},cpu`, 'T4,acme,1,2026-01,c7a'], 'line 2: gpu is given twice, once as cpu'],
    [
      ['cpu,provider,usd_per_hour,date,vcpu_count', 'c7a,acme,1,2026-01,half'],
      "line 2: vcpu_count must be a whole number from 1 up, got 'half'",
    ],
    [
      ['cpu,provider,usd_per_hour,date,vcpu_count,usd_per_vcpu_hour', 'c7a,acme,8,2026-01,8,2'],
      'line 2: usd_per_vcpu_hour must be usd_per_hour / vcpu_count = 1',
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
      "prices.yml line 3: usd_per_hour must be a positive number of at most 10000, got '-1'",
    ],
    [
      '- gpu: T4\n  provider: acme\n  usd_per_hour: cheap\n  date: 2026-01\n',
      "prices.yml line 3: usd_per_hour must be a positive number of at most 10000, got 'cheap'",
    ],
    ['- gpu: T4\n  provider: acme\n  colour:\n    red\n', "prices.yml line 4: unknown column 'colour'"],
    ['- gpu: [T4]\n  provider: acme', 'prices.yml line 1: gpu must be the name of a GPU, got a list'],
    ['- provider: acme\n  gpu: {name: T4}', 'prices.yml line 2: gpu must be the name of a GPU, got a map'],
    ['# mine\ngpu: T4', 'prices.yml line 2: must be a list of prices'],
    [
      '- {gpu: T4, provider: acme, usd_per_hour: 1, date: 2026-01}\n- T4',
      'prices.yml line 2: must be a list of prices',
    ],
    ['- {gpu: [', /^prices\.yml: \w+ \w+.*$/],
    [
      '- gpu: T4\n  provider: acme\n  usd_per_hour: 8\n  date: 2026-01\n  usd_per_gpu_hour: 2',
      'prices.yml line 5: usd_per_gpu_hour must be usd_per_hour / gpu_count = 8',
    ],
    ['', 'prices.yml: must be a list of prices'],
  ])('is refused as YAML too: %j', (text, message) => {
    expect(() => parsePriceFile('prices.yml', text)).toThrow(message);
  });

  it.each([
    ['prices.csv', head],
    ['prices.csv', `${head}\nT4,acme,free,2026-01`],
    ['prices.csv', `${head}\nT4`],
    ['prices.yml', 'gpu: T4'],
    ['prices.yml', '- {gpu: ['],
  ])('that is refused, here %s with %j, is bad input, and the user is told in one line', (name, text) => {
    const error: unknown = expect.objectContaining({ code: 'bad-input', message: expect.stringMatching(/^.+$/) });
    expect(() => parsePriceFile(name, text)).toThrow(error as Error);
  });
});
