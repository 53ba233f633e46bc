/** How numbers look wherever people read them: the progress line, tables, pictures. */

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const cents = new Intl.NumberFormat('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 });

/** `60,000` */
export function formatCount(value: number): string {
  return whole.format(value);
}

/** `1 round`, `1,200 rounds`. @param noun in the singular @param ending what it has in the plural */
export function countOf(count: number, noun: string, ending = 's'): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : ending}`;
}

/**
 * `$0.0031`, `$0.62`, `$1,234.50`: to the cent from ten cents up; below that two significant digits, because an epoch on
 * a small machine costs less than a cent. Less than a ten-thousandth of a cent is shown as less than that.
 */
export function formatUsd(usd: number): string {
  return usd > 0 && usd < 1e-6 ? '<$0.000001' : formatUsdToDigits(usd);
}

/** Like `formatUsd`, but always with two digits, so that small amounts can be ranked: `$0.00000016`. */
export function formatUsdToDigits(usd: number): string {
  if (usd === 0) return '$0.00';
  if (usd >= 0.0995) return `$${cents.format(usd)}`;
  // toFixed, because toPrecision turns to exponents below 1e-6; 9.96e-4 rounds up to 0.0010.
  const exponent = Math.floor(Math.log10(Number(usd.toPrecision(2))));
  return `$${usd.toFixed(1 - exponent)}`;
}

/** A ratio as `98.8 %`. */
export function formatPercent(ratio: number, digits = 1): string {
  return `${(ratio * 100).toFixed(digits)} %`;
}

/** A probability as a percentage. Softmax is never certain, so what would round to 100 % is `>99.9 %`. */
export function formatProbability(probability: number): string {
  return probability >= 0.9995 ? '>99.9 %' : formatPercent(probability);
}

/** `0.0312`, `2.303`, `12.3`: a loss to about four characters; `not finite` when training diverged. */
export function formatLoss(loss: number | null): string {
  if (loss === null || !Number.isFinite(loss)) return 'not finite';
  if (loss >= 100) return loss.toExponential(1);
  return loss.toFixed(loss >= 10 ? 1 : loss >= 1 ? 3 : 4);
}

/** `9.4 s`, `42 s`, `3 min 05 s`, `2 h 04 min`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const rounded = Math.round(seconds);
  if (rounded < 60) return `${rounded} s`;
  if (rounded < 3600) return `${Math.floor(rounded / 60)} min ${pad(rounded % 60)} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${pad(minutes % 60)} min`;
}

function pad(value: number): string {
  return String(value).padStart(2, '0');
}

/** Bits per second as `25 Gbit/s`, `94.2 Mbit/s`. @param digits that are significant */
export function formatBitRate(bitsPerSecond: number, digits = 4): string {
  const [unit, factor] =
    (
      [
        ['Tbit/s', 1e12],
        ['Gbit/s', 1e9],
        ['Mbit/s', 1e6],
      ] as const
    ).find(([, factor]) => Number(bitsPerSecond.toPrecision(digits)) >= factor) ?? (['kbit/s', 1e3] as const);
  return `${Number((bitsPerSecond / factor).toPrecision(digits))} ${unit}`;
}
