/** Workers that are the same for the purpose of comparing: what they compute with, and what they cost. */
import { emulationNote } from '../record/emulation-note.ts';
import type { WorkerSummary } from '../record/summary.ts';

export interface WorkerKind {
  /** The same for workers that should be equally fast. */
  readonly speedKey: string;
  /** The same for workers that also cost the same. */
  readonly priceKey: string;
  /** For people; kinds that differ in their device or price alone share it: kind-names.ts tells them apart. */
  readonly name: string;
  /** What its engine computes on, in its own words. */
  readonly device: string;
  /** The GPU that it was said to be. */
  readonly gpu: string | undefined;
  readonly usdPerHour: number | undefined;
}

export function kindOf(worker: WorkerSummary): WorkerKind {
  const { backend, device, emulated_speed: speed, price_usd_per_hour: usdPerHour } = worker;
  // Of `gcp/t4/spot` the card is t4: who rents it out makes it no faster.
  const gpu = worker.gpu
    ?.toLowerCase()
    .split('/')
    .at(worker.gpu.includes('/') ? 1 : 0);
  const name = [gpu, backend, speed === undefined ? undefined : emulationNote(speed)];
  const speedKey = [gpu, backend, device, speed].join('|');
  return {
    speedKey,
    priceKey: `${speedKey}|${usdPerHour ?? ''}`,
    gpu,
    device,
    usdPerHour,
    name: name.filter((part) => part !== undefined).join(' '),
  };
}

/** A kind, and how many of it. */
export interface KindCount {
  readonly kind: WorkerKind;
  readonly count: number;
}

/** The kinds among workers, in order of first appearance. */
export function countKinds(workers: readonly WorkerSummary[]): readonly KindCount[] {
  const kinds = new Map<string, KindCount>();
  for (const kind of workers.map(kindOf)) {
    kinds.set(kind.priceKey, { kind, count: (kinds.get(kind.priceKey)?.count ?? 0) + 1 });
  }
  return [...kinds.values()];
}

/** What makes two fleets the same, by what their workers compute with alone. @returns the same text for them */
export function speedKeyOf(fleet: readonly KindCount[]): string {
  const counts = new Map<string, number>();
  for (const { kind, count } of fleet) counts.set(kind.speedKey, (counts.get(kind.speedKey) ?? 0) + count);
  return [...counts]
    .filter(([, count]) => count > 0)
    .map(([key, count]) => `${count} ${key}`)
    .sort()
    .join(' + ');
}
