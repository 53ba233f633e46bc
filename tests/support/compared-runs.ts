/**
 * Completed runs of one epoch of MNIST in round numbers: as fast as they are told, with 80 % of each step computing.
 * Workers begin half a second after the coordinator, start up for 3 s and end 1 s after the test pass.
 */

import type { ComparedRun } from '../../src/economics/comparison/compared-fleets.ts';
import { accruedCostUsd } from '../../src/economics/ledger/cost.ts';
import type { RunRecord, RunStatus, WorkerRecord } from '../../src/economics/record/run-record.ts';
import { summarize } from '../../src/economics/record/summarize.ts';
import { runRecord, type TestWorker, workerRecord } from './run-records.ts';

export interface TestKind {
  readonly backend: string;
  readonly price?: number;
  readonly gpu?: string;
  /** Set if nobody gave its price. */
  readonly priceAssumed?: string;
  readonly threads?: number;
  /** Its engine's name, if it is not said. */
  readonly device?: string;
  readonly host?: string;
  /** Of an emulated one, as a part of its own. */
  readonly speed?: number;
}

export const kindOfWorker = (kind: TestKind): TestKind => kind;

export interface TestRun {
  readonly workers: readonly TestKind[];
  /** Samples per second of all together. */
  readonly rate: number;
  readonly batch: number;
  /** Of its only test pass. */
  readonly evaluateSeconds?: number;
  readonly status?: RunStatus;
  readonly dataset?: string;
  /** Overrides the rate's name for the folder. */
  readonly folder?: string;
  /** Of equally many steps each. By default the speed did not change. */
  readonly stepRates?: readonly number[];
  /** What else is otherwise. */
  readonly record?: Partial<RunRecord>;
}

export function comparedRun({
  workers,
  rate,
  batch,
  evaluateSeconds = 1,
  status = 'completed',
  dataset = 'mnist',
  folder,
  stepRates = Array<number>(10).fill(rate),
  record: overrides = {},
}: TestRun): ComparedRun {
  const samples = 60_000;
  const seconds = samples / rate;
  const record = runRecord();
  const [epoch] = record.epochs;
  if (epoch === undefined) throw new Error('the record has no epoch');
  return {
    stepRates: () => stepRates,
    folder: folder ?? `runs/${workers.map(({ backend }) => backend).join('-')}-b${batch}-${rate}`,
    summary: summarize({
      ...record,
      status,
      dataset: { ...record.dataset, name: dataset, ...(dataset === 'digits' && { sha256: { digits: 'd161' } }) },
      globalBatchSize: batch,
      samples,
      steps: Math.ceil(samples / batch),
      trainSeconds: seconds,
      epochs: [{ ...epoch, samples, seconds, evaluateSeconds }],
      secondsToFirstStep: 3.5,
      workers: workers.map(
        ({ backend, price, priceAssumed, threads, gpu, device = backend, host = 'alpha', speed }, rank) =>
          endingWith(evaluateSeconds, {
            workerId: `w${rank}`,
            rank,
            backend,
            device,
            host,
            priceUsdPerHour: price,
            priceAssumed,
            threads,
            ...(gpu === undefined ? {} : { gpu }),
            emulatedSpeed: speed,
            samples: samples / workers.length,
            phases: { load: 0, compute: 0.8 * seconds, communicate: 0.15 * seconds, wait: 0.05 * seconds, apply: 0 },
            aliveSeconds: seconds + 3 + evaluateSeconds + 1,
          }),
      ),
      ...overrides,
    }),
  };
}

/** A worker whose last second, and the seconds of the test pass before it, are not start-up. */
function endingWith(evaluate: number, overrides: TestWorker): WorkerRecord {
  const { booked, ...record } = workerRecord(overrides);
  const outside = { startup: booked.seconds.startup - evaluate - 1, evaluate, idle: 1 };
  const usd = Object.entries(outside).map(([category, seconds]) => [
    category,
    accruedCostUsd(record.priceUsdPerHour ?? 0, seconds),
  ]);
  return {
    ...record,
    booked: {
      ...booked,
      seconds: { ...booked.seconds, ...outside },
      usd: { ...booked.usd, ...Object.fromEntries(usd) },
    },
  };
}
