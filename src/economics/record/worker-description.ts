import type { PriceOrigin } from '../ledger/cost.ts';

/** What a worker computes with and what it costs: the one shape that records, events and summaries of workers extend. */
export interface WorkerDescription {
  readonly workerId: string;
  readonly host: string;
  /** The engine: `wasm`, `tensorflow`. */
  readonly backend: string;
  /** What the engine computes on, in its own words. */
  readonly device: string;
  /** Threads of the CPU that it computes on; undefined where a GPU computes, and in records of older versions. */
  readonly threads?: number | undefined;
  /** The label that the user gave the worker, for example `gcp/t4/spot`. */
  readonly gpu: string | undefined;
  /** Set for a worker that emulates a slower one: its speed as a fraction of its own. */
  readonly emulatedSpeed: number | undefined;
  /** A worker without a price counts as free. */
  readonly priceUsdPerHour: number | undefined;
  /** Set when the price was looked up. */
  readonly priceOrigin: PriceOrigin | undefined;
  /** Set when nobody gave a price: what the price is assumed from, as `2 vCPUs at aws/c7a/on-demand`. */
  readonly priceAssumed?: string | undefined;
}
