/** Completed runs of one epoch of MNIST in round numbers: as fast as they are told, with 80 % of each step computing. */
import type { ComparedRun } from '../../src/shared/report/comparison.ts';
import type { RunRecord, RunStatus } from '../../src/shared/report/run-record.ts';
import { summarize } from '../../src/shared/report/summary.ts';
import { runRecord, workerRecord } from './run-records.ts';

export interface TestKind {
  readonly backend: string;
  readonly price?: number;
  readonly gpu?: string;
  /** Its engine's name, if it is not said. */
  readonly device?: string;
  readonly host?: string;
}

export const kindOfWorker = (kind: TestKind): TestKind => kind;

export interface TestRun {
  readonly workers: readonly TestKind[];
  /** Samples per second of all together. */
  readonly rate: number;
  readonly batch: number;
  readonly status?: RunStatus;
  readonly dataset?: string;
  /** Overrides the rate's name for the folder. */
  readonly folder?: string;
  /** What else is otherwise. */
  readonly record?: Partial<RunRecord>;
}

export function comparedRun({
  workers,
  rate,
  batch,
  status = 'completed',
  dataset = 'mnist',
  folder,
  record: overrides = {},
}: TestRun): ComparedRun {
  const samples = 60_000;
  const seconds = samples / rate;
  const record = runRecord();
  const [epoch] = record.epochs;
  if (epoch === undefined) throw new Error('the record has no epoch');
  return {
    folder: folder ?? `runs/${workers.map(({ backend }) => backend).join('-')}-b${batch}-${rate}`,
    summary: summarize({
      ...record,
      status,
      dataset: { ...record.dataset, name: dataset },
      globalBatchSize: batch,
      samples,
      steps: Math.ceil(samples / batch),
      trainSeconds: seconds,
      epochs: [{ ...epoch, samples, seconds }],
      workers: workers.map(({ backend, price, gpu, device = backend, host = 'alpha' }, rank) =>
        workerRecord({
          ...{ workerId: `w${rank}`, rank, backend, device, host, priceUsdPerHour: price },
          ...(gpu === undefined ? {} : { gpu }),
          samples: samples / workers.length,
          phases: { load: 0, compute: 0.8 * seconds, communicate: 0.15 * seconds, wait: 0.05 * seconds, apply: 0 },
          aliveSeconds: seconds + 5,
        }),
      ),
      ...overrides,
    }),
  };
}
