/** Decides what a worker costs, and says how that is known. Pure. */
import type { PriceOrigin } from '../../economics/ledger/cost.ts';
import type { AssumePrice } from '../../economics/prices/assumed-price.ts';
import { maxPriceUsdPerHour } from '../../shared/core/price-limit.ts';
import type { Hello, Ready } from './worker.ts';

export interface PriceRules {
  /** `--price` of the run; `none`: no price is assumed either. */
  readonly defaultPriceUsdPerHour: number | 'none' | undefined;
  /** The price of a worker that nobody gave one; undefined assumes none. */
  readonly assumePrice?: AssumePrice | undefined;
}

/** In the order in which they count: its own price, the run's, an assumed one. */
export type WorkerPrice =
  | { readonly kind: 'own'; readonly usdPerHour: number; readonly origin: PriceOrigin | undefined }
  | { readonly kind: 'default'; readonly usdPerHour: number }
  | { readonly kind: 'assumed'; readonly usdPerHour: number; readonly origin: PriceOrigin; readonly from: string }
  | { readonly kind: 'none'; readonly reason: 'declined' | 'nothing to assume' };

/** @param ready what it computes on, on which a price may depend */
export function decidePrice(
  { priceUsdPerHour: own, pricePer, priceOrigin: origin, gpu }: Hello,
  { threads, card }: Pick<Ready, 'threads' | 'card'>,
  { defaultPriceUsdPerHour: byDefault, assumePrice }: PriceRules,
): WorkerPrice {
  if (own === 'none') return { kind: 'none', reason: 'declined' };
  if (own === undefined && byDefault === 'none') return { kind: 'none', reason: 'declined' };
  if (own === undefined && typeof byDefault === 'number') return { kind: 'default', usdPerHour: byDefault };
  if (own !== undefined && pricePer === undefined) return { kind: 'own', usdPerHour: own, origin };
  if (own !== undefined) {
    // Each of the two is bounded where it is read.
    return { kind: 'own', usdPerHour: Math.min(maxPriceUsdPerHour, own * (threads ?? 1)), origin };
  }
  const assumed = assumePrice?.({ threads, card, gpu });
  return assumed === undefined ? { kind: 'none', reason: 'nothing to assume' } : { kind: 'assumed', ...assumed };
}
