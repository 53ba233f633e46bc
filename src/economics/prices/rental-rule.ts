import { findBillingRule, type SourcedBillingRule } from './billing-rules.ts';
import { splitLabel } from './price-label.ts';

/** How a worker's provider, which its label `gcp/t4/spot` begins with, bills; undefined where that is not known. */
export function rentalRule(label: string | undefined): SourcedBillingRule | undefined {
  return label === undefined ? undefined : findBillingRule(splitLabel(label)?.provider);
}
