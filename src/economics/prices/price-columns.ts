import { z } from 'zod';
import { badInput } from '../../shared/core/errors.ts';
import { describeGiven } from '../../shared/core/given-value.ts';
import { maxPriceUsdPerHour } from '../../shared/core/price-limit.ts';
import { printable } from '../../shared/core/printable.ts';
import { dateForms, firstUsableDay } from './price-date.ts';
import type { PriceRow } from './price-row.ts';

/** An unchecked row of a file, with the positions that errors name. */
export interface RawRow {
  readonly cells: Readonly<Record<string, unknown>>;
  /** `prices.csv line 7`: the position of the named cell; without a name, the position of the row. */
  readonly placeOf: (name?: string) => string;
}

const number = z.union([z.number(), z.string()]).transform(Number).pipe(z.number());
const positive = number.pipe(z.number().positive());
const price = positive.pipe(z.number().max(maxPriceUsdPerHour));
const wantedPrice = `a positive number of at most ${maxPriceUsdPerHour}`;
const text = z.string().min(1).overwrite(printable);

/** The columns of a price table, each with a schema and its description for errors. */
const columns = {
  gpu: { schema: text, wanted: 'the name of a GPU' },
  provider: { schema: text, wanted: 'the name of a provider' },
  usd_per_hour: { schema: price, wanted: wantedPrice },
  date: { schema: text.refine((value) => firstUsableDay(value) !== undefined), wanted: dateForms },
  pricing: { schema: text.default('on-demand'), wanted: 'on-demand, spot, or another market' },
  gpu_count: { schema: number.pipe(z.int().positive()).default(1), wanted: 'a whole number from 1 up' },
  usd_per_gpu_hour: { schema: price.optional(), wanted: wantedPrice },
  gpu_mem_gb: { schema: positive.optional(), wanted: 'a positive number' },
  instance_type: { schema: text.optional(), wanted: 'text' },
  region: { schema: text.optional(), wanted: 'text' },
  scope: { schema: z.enum(['vm', 'gpu-only']).default('vm'), wanted: 'vm or gpu-only' },
  grade: { schema: z.enum(['A', 'B', 'C']).optional(), wanted: 'A, B or C' },
  source: { schema: text.optional(), wanted: 'text' },
  note: { schema: text.optional(), wanted: 'text' },
} as const;
type Column = keyof typeof columns;
type Cells = { readonly [Name in Column]: z.output<(typeof columns)[Name]['schema']> };

/** Alternative names of columns. A row that names a `cpu` is priced by vCPU. */
const aliases: Readonly<Record<string, Column>> = {
  year_month: 'date',
  market: 'pricing',
  cpu: 'gpu',
  vcpu_count: 'gpu_count',
  usd_per_vcpu_hour: 'usd_per_gpu_hour',
};

/** How far rounding may take the price per GPU from the instance's price divided by its GPUs, as a fraction. */
const roundingTolerance = 1e-3;

/**
 * Checks a row. Empty cells count as missing, and a price without a source gets the file as its source.
 * @throws bad-input naming the position, the column, what the cell must be and what it is
 */
export function priceRowOf({ placeOf, cells }: RawRow, file: string): PriceRow {
  const fail = (message: string, name?: string) => badInput(`${placeOf(name)}: ${message}`);
  const given = new Map<Column, { readonly name: string; readonly value: unknown }>();
  for (const [name, value] of Object.entries(cells)) {
    const column = Object.hasOwn(aliases, name) ? aliases[name] : name;
    if (column === undefined || !isColumn(column)) {
      throw fail(
        `unknown column '${name}'; the columns are ${[...Object.keys(columns), 'cpu', 'vcpu_count'].join(', ')}`,
        name,
      );
    }
    if (value === '' || value === null) continue;
    if (given.has(column)) throw fail(`${column} is given twice, once as ${name}`, name);
    given.set(column, { name, value: typeof value === 'string' ? value.trim() : value });
  }
  const checked = Object.entries(columns).map(([name, { schema, wanted }]) => {
    const cell = given.get(name as Column);
    const parsed = schema.safeParse(cell?.value);
    if (parsed.success) return [name, parsed.data] as const;
    throw cell === undefined
      ? fail(`${name} is missing; it must be ${wanted}`)
      : fail(`${cell.name} must be ${wanted}, got ${describeGiven(cell.value)}`, cell.name);
  });
  const row = Object.fromEntries(checked) as unknown as Cells;
  const perGpu = row.usd_per_hour / row.gpu_count;
  const stated = row.usd_per_gpu_hour ?? perGpu;
  if (Math.abs(stated - perGpu) > roundingTolerance * perGpu) {
    const [name = 'usd_per_gpu_hour', count = 'gpu_count'] = [
      given.get('usd_per_gpu_hour')?.name,
      given.get('gpu_count')?.name,
    ];
    throw fail(
      `${name} must be usd_per_hour / ${count} = ${Number(perGpu.toPrecision(6))}, got ${describeGiven(stated)}; leave it out`,
      name,
    );
  }
  return {
    unit: given.get('gpu')?.name === 'cpu' ? 'vcpu' : 'gpu',
    gpu: row.gpu,
    gpuMemoryGb: row.gpu_mem_gb,
    provider: row.provider,
    market: row.pricing.toLowerCase(),
    usdPerHour: stated,
    instanceUsdPerHour: row.usd_per_hour,
    gpuCount: row.gpu_count,
    instance: row.instance_type,
    region: row.region,
    scope: row.scope,
    grade: row.grade,
    date: firstUsableDay(row.date) ?? undefined,
    dateText: row.date,
    source: row.source ?? file,
    note: row.note,
  };
}

function isColumn(name: string): name is Column {
  return Object.hasOwn(columns, name);
}
