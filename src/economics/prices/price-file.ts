/** Reads price tables from files: CSV with a header line, or YAML (and so JSON) with a list of maps. */
import { basename } from 'node:path';
import { parse as parseCsv } from 'csv-parse/sync';
import { badInput, messageOf } from '../../shared/core/errors.ts';
import { loadYaml } from '../../shared/files/yaml.ts';
import { priceRowOf, type RawRow } from './price-columns.ts';
import type { PriceRow } from './price-row.ts';

/**
 * @param path its extension decides the format, and errors name it
 * @throws bad-input naming the file, the line, the column and what the cell must be
 */
export function parsePriceFile(path: string, text: string): readonly PriceRow[] {
  const file = basename(path);
  const raw = /\.ya?ml$|\.json$/i.test(file) ? readYaml(file, text) : readCsv(file, text);
  if (raw.length === 0)
    throw badInput(`${file}: has no prices; a price has the columns gpu, provider, usd_per_hour and date`);
  return raw.map((row) => priceRowOf(row, file));
}

function readCsv(file: string, text: string): readonly RawRow[] {
  try {
    const records = parseCsv(text, {
      bom: true,
      columns: (names: readonly string[]) => requireDistinct(names),
      info: true,
      relax_column_count: false,
      skip_empty_lines: true,
      trim: true,
    }) as unknown as readonly { record: Record<string, string>; info: { lines: number } }[];
    return records.map(({ record, info }) => ({ cells: record, placeOf: () => `${file} line ${info.lines}` }));
  } catch (error) {
    throw badInput(`${file}: ${messageOf(error)}`, error);
  }
}

/** Only one of two columns with the same name could be read, and it would not be clear which. */
function requireDistinct(names: readonly string[]): string[] {
  const second = names.findIndex((name, index) => names.indexOf(name) < index);
  const name = names[second];
  if (name === undefined) return [...names];
  throw badInput(`columns ${names.indexOf(name) + 1} and ${second + 1} are both named '${name}'; remove one`);
}

function readYaml(file: string, text: string): readonly RawRow[] {
  const { isMap, isNode, isScalar, isSeq, LineCounter, parseDocument } = loadYaml();
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter });
  const [error] = document.errors;
  if (error !== undefined) throw badInput(`${file}: ${error.message.split('\n')[0]}`, error);
  const placeOf = (node: unknown) => {
    const start = isNode(node) ? node.range?.[0] : undefined;
    return start === undefined ? file : `${file} line ${lineCounter.linePos(start).line}`;
  };
  const noList = (node: unknown) => badInput(`${placeOf(node)}: must be a list of prices, each a map of columns`);
  const { contents } = document;
  if (!isSeq(contents)) throw noList(contents);
  return contents.items.map((item) => {
    if (!isMap(item)) throw noList(item);
    const nodeOf = (name: string) => item.items.find(({ key }) => isScalar(key) && String(key.value) === name);
    return {
      cells: item.toJSON(),
      placeOf(name) {
        const pair = name === undefined ? undefined : nodeOf(name);
        return placeOf(pair === undefined ? item : (pair.value ?? pair.key));
      },
    };
  });
}
