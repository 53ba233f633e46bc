/** Which workers a comparison treats as the same: what they compute with, and what they cost. */
import { labelledGpu } from '../prices/price-label.ts';
import { emulationNote } from '../record/emulation-note.ts';
import type { WorkerSummary } from '../record/summary.ts';

export interface WorkerKind {
  /** Equal for workers that are expected to be equally fast. */
  readonly speedKey: string;
  /** Equal for workers that also cost the same. */
  readonly priceKey: string;
  /** For people to read. Kinds that differ only in device or price share it; kind-names.ts tells them apart. */
  readonly name: string;
  /** What the engine computes on, in its own words. */
  readonly device: string;
  /** The GPU in the worker's label. */
  readonly gpu: string | undefined;
  /** Threads of the CPU that it computes on; undefined where a GPU computes. */
  readonly threads: number | undefined;
  readonly usdPerHour: number | undefined;
  /** Nobody gave that price. */
  readonly priceAssumed: boolean;
}

export function kindOf(worker: WorkerSummary): WorkerKind {
  const { backend, device, emulated_speed: speed, price_usd_per_hour: usdPerHour } = worker;
  const priceAssumed = worker.price_assumed !== undefined;
  // Who rents a card out makes it no faster.
  const gpu = worker.gpu === undefined ? undefined : labelledGpu(worker.gpu);
  const name = [gpu, backend, speed === undefined ? undefined : emulationNote(speed)];
  const speedKey = JSON.stringify([gpu, backend, device, speed]);
  return {
    speedKey,
    priceKey: JSON.stringify([speedKey, usdPerHour, priceAssumed]),
    gpu,
    device,
    threads: worker.threads,
    usdPerHour,
    priceAssumed,
    name: name.filter((part) => part !== undefined).join(' '),
  };
}

export interface KindCount {
  readonly kind: WorkerKind;
  readonly count: number;
}

/** Counts workers by kind, in order of first appearance. */
export function countKinds(workers: readonly WorkerSummary[]): readonly KindCount[] {
  const kinds = new Map<string, KindCount>();
  for (const kind of workers.map(kindOf)) {
    kinds.set(kind.priceKey, { kind, count: (kinds.get(kind.priceKey)?.count ?? 0) + 1 });
  }
  return [...kinds.values()];
}

/** Equal for fleets whose workers compute with the same things, whatever they cost. */
export function speedKeyOf(fleet: readonly KindCount[]): string {
  const counts = new Map<string, number>();
  for (const { kind, count } of fleet) counts.set(kind.speedKey, (counts.get(kind.speedKey) ?? 0) + count);
  return JSON.stringify([...counts].filter(([, count]) => count > 0).sort(([a], [b]) => a.localeCompare(b)));
}
