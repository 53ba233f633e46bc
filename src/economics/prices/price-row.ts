/** What one GPU was asked for, somewhere, at some time: a row of a price table. */
export interface PriceRow {
  /** As the source names it: `H100`. */
  readonly gpu: string;
  readonly gpuMemoryGb: number | undefined;
  readonly provider: string;
  /** `on-demand`, `spot`, `preemptible`, `capacity-block`, … */
  readonly market: string;
  /** Of one GPU, which is what one worker uses. */
  readonly usdPerHour: number;
  /** Of the whole instance that is rented. */
  readonly instanceUsdPerHour: number;
  /** GPUs of the instance. */
  readonly gpuCount: number;
  readonly instance: string | undefined;
  readonly region: string | undefined;
  /** `gpu-only` leaves out the machine around the card. */
  readonly scope: 'vm' | 'gpu-only';
  /** How well it is attested: A by the provider's own data, B at second hand, C by a quotation. */
  readonly grade: 'A' | 'B' | 'C' | undefined;
  /** First day (ISO 8601) for which the price may be used; undefined when the source has no date. */
  readonly date: string | undefined;
  /** The date as the table has it: `2023-05`, `~2022-10..2023-06`, `undated`. */
  readonly dateText: string;
  readonly source: string;
  readonly note: string | undefined;
}
