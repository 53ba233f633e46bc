/** Stacked bars in plain HTML: what time or money was spent on. */
import { type Spending, usedCategories } from '../../economics/comparison/spending.ts';
import { formatPercent } from '../../shared/core/number-format.ts';
import { escapeHtml, tableHtml } from './markup.ts';

export interface StackedBar {
  readonly name: string;
  readonly spending?: Spending | undefined;
  /** Cost of workers that are no longer in the run. What it was spent on is unknown. */
  readonly former?: number | undefined;
}

interface Part {
  readonly name: string;
  readonly of: (bar: StackedBar) => number;
}

/** The parts that at least one bar has. */
function partsOf(bars: readonly StackedBar[]): readonly Part[] {
  const used = usedCategories(bars.flatMap(({ spending }) => spending ?? []));
  const former = ({ former: usd = 0 }: StackedBar) => usd;
  return [
    ...used.map((category): Part => ({ name: category, of: ({ spending }) => spending?.[category] ?? 0 })),
    ...(bars.some((bar) => former(bar) > 0) ? [{ name: 'former workers', of: former }] : []),
  ];
}

/**
 * A segment below this fraction of the longest bar has no room for its percentage on any page; the style sheet hides those
 * that do not fit on a narrow one.
 */
const labelledShare = 0.03;

/** The class sets the colour, which is the same for a category on every page. */
function segmentClass({ name }: Part): string {
  return `segment-${name.replace(' ', '-')}`;
}

/**
 * The length of a bar is proportional to its sum.
 * @param id of the figure in the page
 * @param format of a sum, such as `$0.0021`
 */
export function stackedBarsHtml(
  id: string,
  title: string,
  bars: readonly StackedBar[],
  format: (sum: number) => string,
): string {
  if (bars.length === 0) return '';
  const parts = partsOf(bars);
  const sumOf = (bar: StackedBar) => parts.reduce((sum, { of }) => sum + of(bar), 0);
  const longest = bars.reduce((most, bar) => Math.max(most, sumOf(bar)), 0);
  const rows = bars.map((bar) => {
    const sum = sumOf(bar);
    const shares = parts.map((part) => ({ part, share: sum > 0 ? part.of(bar) / sum : 0 }));
    const length = longest > 0 ? sum / longest : 0;
    const segments = shares.map(({ part, share }) => {
      const text =
        share * length >= labelledShare ? `<span class="segment-text">${formatPercent(share, 0)}</span>` : '';
      const title = `${part.name} ${formatPercent(share)}`;
      return `<span class="segment ${segmentClass(part)}" style="flex-grow:${share.toFixed(5)}" title="${title}">${text}</span>`;
    });
    const words = shares.map(({ part, share }) => `${part.name} ${formatPercent(share)}`);
    const label = escapeHtml(`${bar.name}: ${format(sum)}, ${words.join(', ')}`);
    return `<span class="bar-name">${escapeHtml(bar.name)}</span><div class="bar" role="img" aria-label="${label}" style="width:${(100 * length).toFixed(2)}%">${segments.join('')}</div><span class="bar-sum">${escapeHtml(format(sum))}</span>`;
  });
  const key = parts.map((part) => `<li><span class="segment ${segmentClass(part)}"></span>${part.name}</li>`).join('');
  const columns = [
    { head: 'name', cell: ({ name }: StackedBar) => name, align: 'left' as const },
    { head: 'sum', cell: (bar: StackedBar) => format(sumOf(bar)) },
    ...parts.map(({ name, of }) => ({ head: name, cell: (bar: StackedBar) => format(of(bar)) })),
  ];
  return `<figure id="${escapeHtml(id)}"><figcaption>${escapeHtml(title)}</figcaption>
<ul class="key" aria-hidden="true">${key}</ul><div class="bars">${rows.join('\n')}</div>
<details><summary>The figures</summary>${tableHtml(`${title}, figures`, columns, bars)}</details></figure>`;
}
