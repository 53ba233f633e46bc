/** From when on costs count. Pure. */
import { isDay } from '../prices/price-date.ts';

const unitMs: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 };

/**
 * @param text a day (`2026-11-01`, from its first moment in UTC on), or a duration up to now: `90m`, `24h`, `7d`, `4w`
 * @returns Unix milliseconds; undefined for any other text
 */
export function parseSince(text: string, nowUnixMs: number): number | undefined {
  if (isDay(text)) return Date.parse(`${text}T00:00:00Z`);
  const [, amount, unit = ''] = /^(\d{1,6}(?:\.\d{1,3})?)([mhdw])$/.exec(text) ?? [];
  const length = unitMs[unit];
  return length === undefined ? undefined : nowUnixMs - Number(amount) * length;
}
