import { Counter, Histogram } from 'prom-client';
import { bookedUsd } from '../../../economics/ledger/ledger.ts';
import { effectiveUsdPerHour, type Interruption, interruptionReasons } from '../../../economics/record/interruption.ts';
import { sumOf } from '../../../shared/core/sums.ts';
import type { LedgerEntry } from '../../run-events.ts';
import type { Collector } from '../collector.ts';
import { durationBuckets } from '../duration-buckets.ts';
import { createUnsetGauge } from '../unset-gauge.ts';

/** From a copy of the state among processes of one host to a wait for a machine that takes minutes to boot. */
const [shortestRecovery, longestRecovery, bucketsPerDecade] = [0.01, 1000, 5];

export const createInterruptionMetrics: Collector = (registry, { interruptionsBefore = [] }) => {
  const registers = [registry];
  const interruptions = new Counter({
    name: 'pennygrad_interruptions_total',
    help: `Members that stopped being one while the run trained, replicas that were healed, and coordinators that were lost and resumed; counted when the run has recovered, or ended with it; reason is ${interruptionReasons.join(', ')}.`,
    labelNames: ['reason'],
    registers,
  });
  const wastedSeconds = new Counter({
    name: 'pennygrad_interruption_wasted_seconds_total',
    help: 'Time of all workers, in seconds, that interruptions turned into waste: aborted and repeated work, and what survivors waited.',
    registers,
  });
  const wastedUsd = new Counter({
    name: 'pennygrad_interruption_wasted_usd_total',
    help: 'Cost in USD of the time that interruptions wasted, at the prices of the workers that wasted it.',
    registers,
  });
  const recovery = new Histogram({
    name: 'pennygrad_interruption_recovery_seconds',
    help: 'Time in which an interruption kept the run from work: from the last committed step, or part of a test pass, to the next one.',
    buckets: [...durationBuckets(shortestRecovery, longestRecovery, bucketsPerDecade)],
    registers,
  });
  const effective = createUnsetGauge({
    name: 'pennygrad_effective_usd_per_hour',
    help: "What an hour of a worker's useful work costs in USD so far: the cost of all workers that ever trained, over the hours in which they computed steps that stayed; the list price is pennygrad_worker_price_usd_per_hour. Absent before the first step, and when no worker has a price.",
    registers,
  });

  function count({ reason, wastedSeconds: seconds, wastedUsd: usd, recoverySeconds }: Interruption): void {
    interruptions.inc({ reason });
    wastedSeconds.inc(seconds);
    wastedUsd.inc(usd);
    if (recoverySeconds !== undefined) recovery.observe(recoverySeconds);
  }

  function price(entries: readonly LedgerEntry[]): void {
    const accounts = entries.filter(({ rank }) => rank !== undefined).map(({ account }) => account);
    const usd = effectiveUsdPerHour(
      sumOf(accounts.map(bookedUsd)),
      sumOf(accounts.map(({ seconds }) => seconds.compute)),
    );
    if (usd !== undefined) effective.set(usd);
  }

  // Series that begin at 0 can be counted from there.
  for (const reason of interruptionReasons) interruptions.inc({ reason }, 0);
  interruptionsBefore.forEach(count);

  return (event) => {
    if (event.type === 'interruption') count(event.interruption);
    if (event.type === 'ledger') price(event.entries);
  };
};
