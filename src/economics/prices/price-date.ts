const month = String.raw`(\d{4})-(0[1-9]|1[0-2])`;
const patterns = {
  day: /^\d{4}-\d{2}-\d{2}$/,
  month: new RegExp(`^~?${month}$`),
  window: new RegExp(`^~?${month}\\.\\.${month}$`),
  before: new RegExp(`^pre-${month}$`),
};

/** The forms that `firstUsableDay` accepts, for error messages. */
export const dateForms =
  '2025-06-01, 2025-06, ~2025-06, ~2025-01..2025-06 (the earlier month first), pre-2025-06 or undated';

/**
 * The first day on which a price with this date may be used: the first day of a month; for a range the first day of its
 * last month, because the price may not have applied earlier; for `pre-` the first day of the month before.
 * @returns an ISO 8601 day; null for `undated`; undefined for a text that is no date
 */
export function firstUsableDay(text: string): string | null | undefined {
  if (text === 'undated') return null;
  if (patterns.day.test(text)) return isDay(text) ? text : undefined;
  const window = patterns.window.exec(text);
  if (window !== null) {
    const [first, last] = [`${window[1]}-${window[2]}-01`, `${window[3]}-${window[4]}-01`];
    return first <= last ? last : undefined;
  }
  const [, year, monthOfYear] = patterns.month.exec(text) ?? [];
  if (year !== undefined) return `${year}-${monthOfYear}-01`;
  const before = patterns.before.exec(text);
  if (before === null) return undefined;
  return new Date(Date.UTC(Number(before[1]), Number(before[2]) - 2)).toISOString().slice(0, 10);
}

/** Whether a text is a day of the calendar in the form `2025-06-01`. */
export function isDay(text: string): boolean {
  const time = patterns.day.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  return Number.isFinite(time) && new Date(time).toISOString().startsWith(text);
}
