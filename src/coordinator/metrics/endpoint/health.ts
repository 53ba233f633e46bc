import type { RunObserver } from '../../run-events.ts';

/** What `/healthz` answers. */
export interface Health {
  /** Waiting for workers, training, or ended, however it ended. */
  readonly status: 'waiting' | 'training' | 'ended';
  readonly run_id: string;
  /** Counts from 1; 0 before the first. */
  readonly epoch: number;
  /** Committed steps. */
  readonly step: number;
  readonly world_size: number;
}

export interface HealthReport {
  read(): Health;
  readonly observe: RunObserver;
}

export function createHealth(runId: string): HealthReport {
  let health: { -readonly [Field in keyof Health]: Health[Field] } = {
    status: 'waiting',
    run_id: runId,
    epoch: 0,
    step: 0,
    world_size: 0,
  };
  return {
    read: () => ({ ...health }),
    observe(event) {
      switch (event.type) {
        case 'generation':
          health = { ...health, status: 'training', world_size: event.members.length };
          break;
        case 'epoch-begun':
          health = { ...health, epoch: event.epoch + 1 };
          break;
        case 'step':
          health.step = event.step + 1;
          break;
        case 'ended':
          health = { ...health, status: 'ended' };
          break;
      }
    },
  };
}
