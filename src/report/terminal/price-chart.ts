import type { DatedSeries } from '../../economics/planning/price-history.ts';
import { formatUsd } from '../../shared/core/number-format.ts';

const bars = '▁▂▃▄▅▆▇█';
const narrowest = 20;
/** A chart for a pipe, which has no width of its own. */
const usualColumns = 120;
const dayMs = 86_400_000;

/**
 * A chart of prices over time for a terminal: a row of bars for each series, between its first and its last price. All
 * rows have the same axes. Heights are logarithmic, because prices differ by a factor of a hundred. A price holds until the
 * next one.
 * @param series in USD per hour
 * @param until ISO 8601, the last day of the chart
 * @param columns width of the terminal; infinite for a pipe
 * @returns lines; none when no series has a price up to `until`
 */
export function renderPriceChart(series: readonly DatedSeries[], until: string, columns: number): readonly string[] {
  const known = series
    .map(({ label, points }) => ({
      label,
      points: points.filter(({ day }) => day <= until).sort((a, b) => a.day.localeCompare(b.day)),
    }))
    .flatMap(({ label, points }) => {
      const [first, last] = [points[0], points.at(-1)];
      return first === undefined || last === undefined ? [] : [{ label, points, first, last }];
    });
  const prices = known.flatMap(({ points }) => points.map(({ value }) => value));
  if (prices.length === 0) return [];
  const [low, high] = [Math.min(...prices), Math.max(...prices)];
  const begin = Math.min(...known.map(({ first }) => Date.parse(first.day)));
  const end = Date.parse(until) + dayMs;

  const nameWidth = Math.max(...known.map(({ label }) => label.length));
  const usdWidth = Math.max(...known.flatMap(({ first, last }) => [first, last].map(formatEnd)).map((s) => s.length));
  const margin = nameWidth + usdWidth + 3;
  const width = Math.max(narrowest, (Number.isFinite(columns) ? columns : usualColumns) - margin - usdWidth - 2);
  const timeAt = (column: number) => begin + ((end - begin) * column) / width;

  const bar = (usdPerHour: number) => {
    const height = high === low ? 0.5 : Math.log(usdPerHour / low) / Math.log(high / low);
    return bars[Math.min(bars.length - 1, Math.floor(height * bars.length))] ?? '';
  };
  const rows = known.map(({ label, points, first, last }) => {
    const cells = Array.from({ length: width }, (_, column) => {
      const holding = points.findLast(({ day }) => Date.parse(day) < timeAt(column + 1));
      return holding === undefined ? ' ' : bar(holding.value);
    });
    return ` ${label.padEnd(nameWidth)} ${formatEnd(first).padStart(usdWidth)} ${cells.join('')} ${formatEnd(last)}`;
  });
  return [
    `USD per GPU and hour, on a logarithmic scale from ${formatUsd(low)} to ${formatUsd(high)}`,
    ...rows,
    `${' '.repeat(margin)}${renderYears(begin, end, width)}`.trimEnd(),
  ];
}

function formatEnd({ value }: { readonly value: number }): string {
  return formatUsd(value);
}

/** Years at the columns where they begin, as far as there is room. */
function renderYears(begin: number, end: number, width: number): string {
  let line = '';
  for (let year = new Date(begin).getUTCFullYear(); year <= new Date(end).getUTCFullYear(); year++) {
    const column = Math.round((Math.max(0, Date.UTC(year, 0, 1) - begin) / (end - begin)) * width);
    if ((line !== '' && column < line.length + 1) || column + 4 > width) continue;
    line = line.padEnd(column) + year;
  }
  return line;
}
