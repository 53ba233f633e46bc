/** Stacked bars in plain HTML: where time or money went. */
import { formatPercent } from '../number-format.ts';
import { type Spending, type SpendingCategory, sumSpending, usedCategories } from '../spending.ts';
import { escapeHtml, tableHtml } from './markup.ts';

export interface StackedBar {
  readonly name: string;
  readonly spending: Spending;
}

/** What is narrower than this part of the longest bar has no room for its percentage. */
const labelledShare = 0.09;

/** The same colour for a category on every page. */
function segmentClass(category: SpendingCategory | undefined): string {
  return `segment-${category}`;
}

/**
 * Each bar is as long as its sum.
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
  const used = usedCategories(bars.map(({ spending }) => spending));
  const longest = Math.max(...bars.map(({ spending }) => sumSpending(spending)));
  const rows = bars.map(({ name, spending }) => {
    const sum = sumSpending(spending);
    const shares = used.map((category) => (sum > 0 ? spending[category] / sum : 0));
    const words = used.map((category, index) => `${category} ${formatPercent(shares[index] ?? 0)}`);
    const length = longest > 0 ? sum / longest : 0;
    const segments = shares.map((share, index) => {
      const text = share * length >= labelledShare ? formatPercent(share, 0) : '';
      return `<span class="segment ${segmentClass(used[index])}" style="flex-grow:${share.toFixed(5)}" title="${words[index]}">${text}</span>`;
    });
    const label = escapeHtml(`${name}: ${format(sum)}, ${words.join(', ')}`);
    return `<span class="bar-name">${escapeHtml(name)}</span><div class="bar" role="img" aria-label="${label}" style="width:${(100 * length).toFixed(2)}%">${segments.join('')}</div><span class="bar-sum">${escapeHtml(format(sum))}</span>`;
  });
  const key = used
    .map((category) => `<li><span class="segment ${segmentClass(category)}"></span>${category}</li>`)
    .join('');
  const columns = [
    { head: 'of', cell: ({ name }: StackedBar) => name, align: 'left' as const },
    { head: 'sum', cell: ({ spending }: StackedBar) => format(sumSpending(spending)) },
    ...used.map((category) => ({
      head: category,
      cell: ({ spending }: StackedBar) => format(spending[category]),
    })),
  ];
  return `<figure id="${escapeHtml(id)}"><figcaption>${escapeHtml(title)}</figcaption>
<ul class="key" aria-hidden="true">${key}</ul><div class="bars">${rows.join('\n')}</div>
<details><summary>The figures</summary>${tableHtml(`${title}, figures`, columns, bars)}</details></figure>`;
}
