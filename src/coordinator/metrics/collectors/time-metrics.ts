import { Counter } from 'prom-client';
import { ledgerCategories } from '../../../economics/ledger/ledger.ts';
import type { LedgerEntry } from '../../run-events.ts';
import type { Collector } from '../collector.ts';
import { cumulative } from '../cumulative.ts';

/** Where the time went, also of workers that cost nothing: a series for each worker and category, however long the run. */
export const createTimeMetrics: Collector = (registry, { expected = [], carried = [], clock }) => {
  const registers = [registry];
  const time = new Counter({
    name: 'pennygrad_worker_seconds_total',
    help: `Time alive of the worker, in seconds, by what it was spent on: ${ledgerCategories.join(', ')}.`,
    labelNames: ['worker', 'category'] as const,
    registers,
  });
  const waiting = new Counter({
    name: 'pennygrad_waiting_for_workers_seconds_total',
    help: 'Time in which the run waited for its workers to join and get ready, in seconds.',
    registers,
  });
  const raise = cumulative(time);
  /** From when on the run's waiting has not been counted yet, on its clock; undefined while it does not wait. */
  let since: number | undefined;

  function begin(worker: string): void {
    for (const category of ledgerCategories) raise({ worker, category }, 0);
  }

  function book(entries: readonly LedgerEntry[]): void {
    for (const { workerId: worker, account } of entries) {
      for (const category of ledgerCategories) raise({ worker, category }, account.seconds[category]);
    }
  }

  function wait(until: number): void {
    if (since === undefined) return;
    waiting.inc(Math.max(0, until - since));
    since = until;
  }

  book(carried);
  for (const { workerId } of expected) begin(workerId);

  return (event) => {
    switch (event.type) {
      case 'listening':
        since = clock.now();
        break;
      case 'tick':
        wait(clock.now());
        break;
      case 'generation':
      case 'ended':
        wait(clock.now());
        since = undefined;
        break;
      case 'worker-began':
        begin(event.workerId);
        break;
      case 'ledger':
        book(event.entries);
        break;
    }
  };
};
