import { z } from 'zod';

/**
 * The schema of a number with a unit, like `30s` or `25gbit`.
 * @param pattern whose groups are the number and one of the units, which `convert` is given in lower case
 * @param wanted completes "must be …"
 * @param convert undefined where the value is out of range
 */
export function numberWithUnit<Unit extends string>(
  pattern: RegExp,
  wanted: string,
  convert: (value: number, unit: Unit) => number | undefined,
) {
  return z.union([z.number(), z.string()], wanted).transform((given, context): number => {
    const [, value, unit = ''] = pattern.exec(String(given)) ?? [];
    const converted = value === undefined ? undefined : convert(Number(value), unit.toLowerCase() as Unit);
    if (converted !== undefined && Number.isFinite(converted)) return converted;
    context.addIssue({ code: 'custom', message: wanted });
    return z.NEVER;
  });
}
