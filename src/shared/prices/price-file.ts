/** Price tables as files: CSV with a head line, or YAML (so JSON as well) that is a list of maps. */
import { basename } from 'node:path';
import { parse as parseCsv } from 'csv-parse/sync';
import { isMap, isSeq, LineCounter, parseDocument } from 'yaml';
import { badInput, messageOf } from '../core/errors.ts';
import { priceRowOf, type RawRow } from './price-columns.ts';
import type { PriceRow } from './price-row.ts';

/**
 * The rows of a price table. @param path decides by its ending how the text is read, and is named in errors
 * @throws bad-input naming the file, the line, the column and what it must be
 */
export function parsePriceFile(path: string, text: string): readonly PriceRow[] {
  const file = basename(path);
  const raw = /\.ya?ml$|\.json$/i.test(file) ? readYaml(file, text) : readCsv(file, text);
  if (raw.length === 0)
    throw badInput(`${file}: has no prices; the columns gpu, provider, usd_per_hour and date must be there`);
  return raw.map((row) => priceRowOf(row, file));
}

function readCsv(file: string, text: string): readonly RawRow[] {
  try {
    const records = parseCsv(text, {
      bom: true,
      columns: true,
      info: true,
      relax_column_count: false,
      skip_empty_lines: true,
      trim: true,
    }) as unknown as readonly { record: Record<string, string>; info: { lines: number } }[];
    return records.map(({ record, info }) => ({ place: `${file} line ${info.lines}`, cells: record }));
  } catch (error) {
    throw badInput(`${file}: ${messageOf(error)}`, error);
  }
}

function readYaml(file: string, text: string): readonly RawRow[] {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter });
  const [error] = document.errors;
  if (error !== undefined) throw badInput(`${file}: ${error.message.split('\n')[0]}`, error);
  if (!isSeq(document.contents)) throw badInput(`${file}: must be a list of prices, each a map of columns`);
  return document.contents.items.map((item) => {
    const start = isMap(item) ? item.range?.[0] : undefined;
    if (!isMap(item) || start === undefined) throw badInput(`${file}: must be a list of prices, each a map of columns`);
    return { place: `${file} line ${lineCounter.linePos(start).line}`, cells: item.toJSON() };
  });
}
