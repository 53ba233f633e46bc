/** What `/healthz` answers. */
export interface Health {
  /** Waiting for workers, training, or done with it, however it ended. */
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
  update(changes: Partial<Health>): void;
}

export function createHealth(): HealthReport {
  let health: Health = { status: 'waiting', run_id: '', epoch: 0, step: 0, world_size: 0 };
  return {
    read: () => health,
    update(changes) {
      health = { ...health, ...changes };
    },
  };
}
