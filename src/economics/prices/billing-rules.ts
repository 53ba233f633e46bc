import type { BillingRule } from '../ledger/cost.ts';

/** A rule, and where it is stated. */
export interface SourcedBillingRule extends BillingRule {
  readonly provider: string;
  /** When it came into force, or was last read. */
  readonly date: string;
  readonly source: string;
  readonly note?: string;
}

/** How providers bill what is rented by the hour and stopped at will, for Linux. */
export const billingRules: readonly SourcedBillingRule[] = [
  {
    provider: 'AWS',
    granularitySeconds: 1,
    minimumSeconds: 60,
    date: '2017-10-02',
    source: 'aws.amazon.com/about-aws/whats-new/2017/10/announcing-amazon-ec2-per-second-billing',
    note: 'capacity blocks are paid in advance, whatever is used of them',
  },
  {
    provider: 'GCP',
    granularitySeconds: 1,
    minimumSeconds: 60,
    date: '2017-09-26',
    source: 'itpro.com/cloud/29563/google-cloud-platform-brings-per-second-billing-to-compute',
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

/** Where no rule is known: by the second, which is the least that any provider here bills. */
export const unknownBilling: BillingRule = { granularitySeconds: 1, minimumSeconds: 0 };

/** How a provider bills; undefined when it is not known. Providers are the same in any case. */
export function findBillingRule(provider: string | undefined): SourcedBillingRule | undefined {
  return billingRules.find((rule) => rule.provider.toLowerCase() === provider?.toLowerCase());
}
