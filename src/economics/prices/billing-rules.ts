import type { BillingRule } from '../ledger/cost.ts';
import { splitLabel } from './price-label.ts';

/** A billing rule and its source. */
export interface SourcedBillingRule extends BillingRule {
  readonly provider: string;
  /** The day on which the rule came into force or was last checked. */
  readonly date: string;
  readonly source: string;
  readonly note?: string;
}

/** How providers bill on-demand and spot instances with Linux. */
export const billingRules: readonly SourcedBillingRule[] = [
  {
    provider: 'AWS',
    granularitySeconds: 1,
    minimumSeconds: 60,
    date: '2017-10-02',
    source: 'aws.amazon.com/about-aws/whats-new/2017/10/announcing-amazon-ec2-per-second-billing',
    note: 'capacity blocks are paid in advance, used or not',
  },
  {
    provider: 'GCP',
    granularitySeconds: 1,
    minimumSeconds: 60,
    date: '2017-09-26',
    source: 'itpro.com/cloud/29563/google-cloud-platform-brings-per-second-billing-to-compute',
  },
  {
    provider: 'Hetzner',
    granularitySeconds: 3600,
    minimumSeconds: 3600,
    date: '2023-08-03',
    source: 'docs.hetzner.com/cloud/billing/faq',
  },
  {
    provider: 'Lambda',
    granularitySeconds: 60,
    minimumSeconds: 60,
    date: '2026-09-20',
    source: 'lambda.ai/instances ("pay by the minute")',
  },
  {
    provider: 'RunPod',
    granularitySeconds: 1,
    minimumSeconds: 0,
    date: '2026-11-09',
    source: 'docs.runpod.io/accounts-billing/billing',
  },
  {
    provider: 'Vast',
    granularitySeconds: 1,
    minimumSeconds: 0,
    date: '2026-10-07',
    source: 'vast.ai/pricing',
  },
];

/** Assumed for unknown providers: by the second, the finest unit of any provider above. */
export const unknownBilling: BillingRule = { granularitySeconds: 1, minimumSeconds: 0 };

/** By which a rental is billed. @param label a worker's label, `gcp/t4/spot` */
export function billingOf(label: string | undefined): BillingRule {
  return rentalRule(label) ?? unknownBilling;
}

/** @param label a worker's label, `gcp/t4/spot` @returns undefined when the label names no provider with a known rule */
export function rentalRule(label: string | undefined): SourcedBillingRule | undefined {
  const provider = label === undefined ? undefined : splitLabel(label)?.provider;
  return billingRules.find((rule) => rule.provider.toLowerCase() === provider);
}
