/** Rates of network links, as users write them. */
import { z } from 'zod';

const rates = { k: 1e3, m: 1e6, g: 1e9, t: 1e12 } as const;
const rateForm = 'a rate in bits per second from 1kbit to 10tbit, like 100mbit, 2.5gbit or 25gbit';

/** `25gbit` as 25e9 bits per second. */
export const linkRate = z.union([z.number(), z.string()], rateForm).transform((given, context): number => {
  const [, digits = '', prefix = ''] = /^(\d+(?:\.\d+)?)\s*([kmgt])bit(?:\/s)?$/i.exec(String(given).trim()) ?? [];
  const factor = rates[prefix.toLowerCase() as keyof typeof rates] ?? Number.NaN;
  const bits = Number(digits) * factor;
  if (bits >= 1e3 && bits <= 1e13) return bits;
  context.addIssue({ code: 'custom', message: rateForm });
  return z.NEVER;
});
