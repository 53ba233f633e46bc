/** What a price is for: one GPU, or one virtual CPU of a machine without a GPU. */
export type PricedUnit = 'gpu' | 'vcpu';

/** A row of a price table: the price of one GPU or one vCPU at a provider on a date. */
export interface PriceRow {
  readonly unit: PricedUnit;
  /** The GPU, or the family of machines for a price by vCPU, as the source spells it: `H100`, `c7a`. */
  readonly gpu: string;
  readonly gpuMemoryGb: number | undefined;
  readonly provider: string;
  /** `on-demand`, `spot`, `preemptible`, `capacity-block`, … */
  readonly market: string;
  /** Price of one GPU or vCPU. One worker uses one GPU, or as many vCPUs as it computes on threads. */
  readonly usdPerHour: number;
  /** Price of the whole instance. */
  readonly instanceUsdPerHour: number;
  /** GPUs or vCPUs in the instance. */
  readonly gpuCount: number;
  readonly instance: string | undefined;
  readonly region: string | undefined;
  /** The price of a `gpu-only` row does not include the machine around the card. */
  readonly scope: 'vm' | 'gpu-only';
  /** Quality of the source: A is the provider's own data, B is second-hand, C is a quotation. */
  readonly grade: 'A' | 'B' | 'C' | undefined;
  /** First day (ISO 8601) on which the price may be used; undefined when the source has no date. */
  readonly date: string | undefined;
  /** The date as the table spells it: `2023-05`, `~2022-10..2023-06`, `undated`. */
  readonly dateText: string;
  readonly source: string;
  readonly note: string | undefined;
}
