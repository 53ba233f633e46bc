import type { PhaseSeconds } from '../shared/core/phases.ts';

/** What a worker reports to its own metrics endpoint. */
export interface WorkerObserver {
  joined(run: { readonly runId: string; readonly engine: string; readonly device: string }): void;
  /** A step was applied. @param totals seconds by phase of all steps so far, including this one */
  stepped(samples: number, totals: PhaseSeconds): void;
  evaluated(samples: number): void;
}

export const unobserved: WorkerObserver = { joined: () => {}, stepped: () => {}, evaluated: () => {} };
