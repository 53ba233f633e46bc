/** A row of a price table: the price of one GPU at a provider on a date. */
export interface PriceRow {
  /** As the source spells it: `H100`. */
  readonly gpu: string;
  readonly gpuMemoryGb: number | undefined;
  readonly provider: string;
  /** `on-demand`, `spot`, `preemptible`, `capacity-block`, … */
  readonly market: string;
  /** Price of one GPU. One worker uses one GPU. */
  readonly usdPerHour: number;
  /** Price of the whole instance. */
  readonly instanceUsdPerHour: number;
  /** GPUs in the instance. */
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
