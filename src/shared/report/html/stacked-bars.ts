/** Stacked bars in plain HTML: where time or money went. */
import { formatPercent } from '../number-format.ts';
import { type Spending, spendingCategories } from '../spending.ts';
import { escapeHtml, tableHtml } from './markup.ts';

export interface StackedBar {
  readonly name: string;
  readonly spending: Spending;
}

/** What is narrower than this has no room for its percentage. */
const labelledShare = 0.07;

/** Each bar is as long as its sum. @param format of a sum, such as `$0.0021` */
export function stackedBarsHtml(title: string, bars: readonly StackedBar[], format: (sum: number) => string): string {
  if (bars.length === 0) return '';
  const longest = Math.max(...bars.map(({ spending }) => sumOf(spending)));
  const rows = bars.map(({ name, spending }) => {
    const sum = sumOf(spending);
    const shares = spendingCategories.map((category) => (sum > 0 ? spending[category] / sum : 0));
    const words = spendingCategories.map((category, index) => `${category} ${formatPercent(shares[index] ?? 0)}`);
    const segments = shares.map((share, index) => {
      const text = share >= labelledShare ? formatPercent(share, 0) : '';
      return `<span class="segment segment-${index}" style="flex-grow:${share.toFixed(5)}" title="${words[index]}">${text}</span>`;
    });
    const width = longest > 0 ? (100 * sum) / longest : 0;
    const label = escapeHtml(`${name}: ${format(sum)}, ${words.join(', ')}`);
    return `<span>${escapeHtml(name)}</span><div class="bar" role="img" aria-label="${label}" style="width:${width.toFixed(2)}%">${segments.join('')}</div><span>${escapeHtml(format(sum))}</span>`;
  });
  const key = spendingCategories
    .map((category, index) => `<li><span class="segment segment-${index}"></span>${category}</li>`)
    .join('');
  const columns = [
    { head: 'of', cell: ({ name }: StackedBar) => name, align: 'left' as const },
    { head: 'sum', cell: ({ spending }: StackedBar) => format(sumOf(spending)) },
    ...spendingCategories.map((category) => ({
      head: category,
      cell: ({ spending }: StackedBar) => format(spending[category]),
    })),
  ];
  return `<figure><figcaption>${escapeHtml(title)}</figcaption>
<ul class="key" aria-hidden="true">${key}</ul><div class="bars">${rows.join('\n')}</div>
<details><summary>The figures</summary>${tableHtml(`${title}, figures`, columns, bars)}</details></figure>`;
}

function sumOf(spending: Spending): number {
  return spendingCategories.reduce((total, category) => total + spending[category], 0);
}
