import { accruedCostUsd, pricePerHour } from '../../../economics/ledger/cost.ts';
import { costPerThousandUsd } from '../../../economics/models/scaling.ts';
import { addStep, beginEpoch, epochMeans } from '../../../economics/record/epoch-totals.ts';
import type { Collector } from '../collector.ts';
import { createUnsetGauge } from '../unset-gauge.ts';

export const createCostRateMetrics: Collector = (registry) => {
  const registers = [registry];
  const lastEpoch = createUnsetGauge({
    name: 'pennygrad_last_epoch_cost_usd',
    help: 'Cost in USD of the last whole epoch, without its test pass; absent before the first has ended, and when no worker has a price.',
    registers,
  });
  const perThousand = createUnsetGauge({
    name: 'pennygrad_cost_usd_per_thousand_samples',
    help: 'Cost in USD of training on a thousand samples, at the speed of the epoch so far; absent when no worker has a price.',
    registers,
    collect: showRate,
  });
  /** Price of all workers together; undefined when none has one. */
  let fleetPrice: number | undefined;
  let totals = beginEpoch(0);

  // Only what is read has to be set, and what stays until the next step.
  function showRate(): void {
    const { samplesPerSecond } = epochMeans(totals);
    if (fleetPrice === undefined || samplesPerSecond === 0) return;
    perThousand.set(costPerThousandUsd({ usdPerHour: fleetPrice, samplesPerSecond }));
  }

  return (event) => {
    switch (event.type) {
      case 'generation':
        showRate();
        fleetPrice = pricePerHour(event.members.map(({ priceUsdPerHour }) => priceUsdPerHour));
        break;
      case 'epoch-begun':
        showRate();
        totals = beginEpoch(event.epoch);
        break;
      case 'step':
        totals = addStep(totals, event);
        break;
      case 'epoch':
        // A part of an epoch would look like a fast and cheap one.
        if (fleetPrice === undefined || event.cutShort) break;
        lastEpoch.set(event.usd ?? accruedCostUsd(fleetPrice, event.seconds));
        break;
    }
  };
};
