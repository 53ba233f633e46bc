import type { PhaseSeconds } from '../shared/core/phases.ts';

/** What a worker tells whoever watches it: its own metrics endpoint. */
export interface WorkerObserver {
  joined(run: { readonly runId: string; readonly engine: string; readonly device: string }): void;
  /** A step was applied. @param totals seconds by phase of all steps so far, this one included */
  stepped(samples: number, totals: PhaseSeconds): void;
  evaluated(samples: number): void;
}

export const unobserved: WorkerObserver = { joined: () => {}, stepped: () => {}, evaluated: () => {} };
