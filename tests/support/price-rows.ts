import { parsePriceFile } from '../../src/economics/prices/price-file.ts';
import type { PriceRow } from '../../src/economics/prices/price-row.ts';

/** Rows from `provider/gpu/market date usd [memory [instance [scope]]]`, one a line, `_` for a space. */
export function priceRows(...lines: readonly string[]): readonly PriceRow[] {
  const csv = lines.map((line) => {
    const [label = '', date, usd, memory = '', instance = '', scope = ''] = line.split(' ');
    return [...label.split('/'), date, usd, memory, instance.replaceAll('_', ' '), scope].join();
  });
  return parsePriceFile(
    'prices.csv',
    ['provider,gpu,pricing,date,usd_per_hour,gpu_mem_gb,instance_type,scope', ...csv].join('\n'),
  );
}
