/** What makes a price look better, or surer, than it is. Said wherever somebody decides by it. Pure. */
import type { PriceRow } from './price-row.ts';
import { cardAlone } from './price-series.ts';

export interface PriceCaveat {
  /**
   * - card-alone: the machine around the card costs extra
   * - share: a part of a machine that is rented whole
   * - old: from more than a year before the day of the decision
   * - noisy: the source is a quotation, or says itself that it is uncertain
   */
  readonly kind: 'card-alone' | 'share' | 'old' | 'noisy';
  /** Completes "the price of gcp/t4/spot …". */
  readonly text: string;
}

/** Words with which the notes of the price table own that a price is uncertain. */
const uncertain = /\b(noisy|median|inferred|observed|undated|not confirmed)\b/i;

/**
 * @param today ISO 8601: the day on which somebody decides by this price
 * @returns none for a recent price of a whole machine from a sure source
 */
export function priceCaveats(row: PriceRow, today: string): readonly PriceCaveat[] {
  const { scope, unit, gpuCount, instance = 'a machine', date, dateText, grade, note = '' } = row;
  const known = lastConfirmed(note) ?? date;
  const years = known === undefined ? 0 : wholeYears(known, today);
  const doubts = [grade === 'C' ? 'grade C' : '', grade === 'C' || uncertain.test(note) ? note : ''];
  const doubt = doubts.filter((text) => text !== '').join(': ');
  return [
    ...(scope === 'gpu-only'
      ? [{ kind: 'card-alone', text: `is for the ${cardAlone}: the machine around it costs extra` } as const]
      : []),
    // Machines without a GPU come in sizes of a few vCPUs.
    ...(unit === 'gpu' && gpuCount > 1
      ? [{ kind: 'share', text: `is 1/${gpuCount} of that of ${instance}, which is rented whole` } as const]
      : []),
    ...(years > 0
      ? [{ kind: 'old', text: `is ${years === 1 ? 'a year' : `${years} years`} old or more (${dateText})` } as const]
      : []),
    ...(doubt === '' ? [] : [{ kind: 'noisy', text: `has an uncertain source (${doubt})` } as const]),
  ];
}

/** `the price of gcp/t4/spot is for the card alone: the machine around it costs extra; is 3 years old or more (…)` */
export function describeCaveats(label: string, caveats: readonly PriceCaveat[]): readonly string[] {
  return caveats.length === 0 ? [] : [`the price of ${label} ${caveats.map(({ text }) => text).join('; ')}`];
}

/** The month up to which the price was seen to stay the same, according to its note: `unchanged to 2026-07`. */
function lastConfirmed(note: string): string | undefined {
  const [, month] = /\bunchanged\b.*\bto (\d{4}-\d{2})\b/.exec(note) ?? [];
  return month === undefined ? undefined : `${month}-01`;
}

/** Whole years from one day to another; both ISO 8601. */
function wholeYears(from: string, to: string): number {
  const years = Number(to.slice(0, 4)) - Number(from.slice(0, 4));
  return to.slice(5) < from.slice(5) ? years - 1 : years;
}
