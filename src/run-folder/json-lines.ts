/** Files of one JSON object a line, some of whose lines may be damaged. */
import type { z } from 'zod';

export interface ReadLine<Entry> {
  readonly source: string;
  readonly entry: Entry;
}

export interface ReadLines<Entry> {
  readonly lines: readonly ReadLine<Entry>[];
  /** Numbers of the lines, from 1, that are no JSON or not what the schema says. */
  readonly damaged: readonly Range[];
}

/** @param text the file's content; a last line that was cut off by a kill is no damage, and is ignored */
export function readLines<Schema extends z.ZodType>(text: string, schema: Schema): ReadLines<z.output<Schema>> {
  const lines: ReadLine<z.output<Schema>>[] = [];
  const damaged: [from: number, to: number][] = [];
  for (const [index, source] of text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .entries()) {
    if (source === '') continue;
    const entry = parseLine(source, schema);
    if (entry === undefined) addToRanges(damaged, index + 1);
    else lines.push({ source, entry });
  }
  return { lines, damaged };
}

/** @returns undefined where the line is no JSON or not what the schema says */
export function parseLine<Schema extends z.ZodType>(source: string, schema: Schema): z.output<Schema> | undefined {
  return schema.safeParse(parseJson(source)).data;
}

/** @param number larger than all that are in `ranges`, the last of which it may continue */
export function addToRanges(ranges: [from: number, to: number][], number: number): void {
  const last = ranges.at(-1);
  if (last?.[1] === number - 1) last[1] = number;
  else ranges.push([number, number]);
}

/** @returns undefined, which no schema of a line takes, where the text is no JSON */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Both ends belong to it. */
export type Range = readonly [from: number, to: number];

/** The numbers from 1 to `last` that are not there, which may be very many. */
export function missingUpTo(last: number, there: Iterable<number>): readonly Range[] {
  const ends = [...new Set(there)].filter((number) => number >= 1 && number <= last).sort((a, b) => a - b);
  return [...ends, last + 1].flatMap((number, index): readonly Range[] => {
    const from = (ends[index - 1] ?? 0) + 1;
    return from < number ? [[from, number - 1]] : [];
  });
}

/** In few words: `3, 5 to 9 and 12`. Of many ranges only the first are named. */
export function describeRanges(ranges: readonly Range[]): string {
  const named = ranges.slice(0, mostRanges).map(([from, to]) => (from === to ? `${from}` : `${from} to ${to}`));
  const rest = ranges.slice(mostRanges).reduce((sum, [from, to]) => sum + to - from + 1, 0);
  const words = rest === 0 ? named : [...named, `${rest} more`];
  return words.length === 1 ? `${words[0]}` : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

const mostRanges = 5;
