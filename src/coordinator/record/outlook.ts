/**
 * What a run has cost up to now, and what it will take in the end: follows its events, for whoever shows it. Pure: times are
 * seconds of the run's clock, passed in.
 */
import {
  addPacedSave,
  addPacedStep,
  addPacedTest,
  notBegun,
  type Pace,
  type PlannedWork,
  paceSecondsLeft,
} from '../../economics/ledger/pace.ts';
import { type Projection, project } from '../../economics/ledger/projection.ts';
import { type BudgetConfig, budgetOf } from '../../settings/budget-settings.ts';
import type { TrainingConfig } from '../../settings/training-settings.ts';
import { samplesPerStep } from '../../shared/core/sampling.ts';
import type { DatasetInfo } from '../../shared/data/dataset.ts';
import type { RunEvent } from '../run-events.ts';
import { advanceMeter, type CostMeter, type CostReading, newCostMeter, readMeter } from './cost-meter.ts';
import { advanceEnding, type EndingTime, endingSeconds, nothingKnown } from './ending-time.ts';

export interface OutlookPlan {
  readonly training: TrainingConfig;
  readonly dataset: Pick<DatasetInfo, 'trainCount' | 'testCount'>;
  readonly budget: BudgetConfig;
}

export interface Outlook {
  readonly work: PlannedWork;
  readonly budget: BudgetConfig;
  readonly meter: CostMeter;
  readonly pace: Pace;
  readonly ending: EndingTime;
}

export interface OutlookReading extends CostReading {
  readonly projection: Projection;
}

export function beginOutlook({ training, dataset, budget }: OutlookPlan): Outlook {
  return { work: plannedWork(training, dataset), budget, meter: newCostMeter, pace: notBegun, ending: nothingKnown };
}

export function plannedWork(training: TrainingConfig, { trainCount, testCount }: OutlookPlan['dataset']): PlannedWork {
  const { epochs, steps } = training;
  return { epochs, maxSteps: steps, perStep: samplesPerStep(training), trainCount, testCount };
}

export function advanceOutlook(before: Outlook, event: RunEvent, now: number): Outlook {
  const meter = advanceMeter(before.meter, event, now);
  const pace = advancePace(before, event);
  const ending = advanceEnding(before.ending, event);
  if (meter === before.meter && pace === before.pace && ending === before.ending) return before;
  return { work: before.work, budget: before.budget, meter, pace, ending };
}

function advancePace({ pace, work }: Outlook, event: RunEvent): Pace {
  switch (event.type) {
    case 'resumed': {
      const epochsTested = event.epoch?.epoch ?? Math.floor(event.samples / work.trainCount);
      return { ...pace, samplesDone: event.samples, epochsTested };
    }
    case 'went-on':
      return { ...pace, samplesDone: event.record.samplesBefore, epochsTested: event.record.epochs.length };
    case 'step':
      return addPacedStep(pace, event);
    case 'epoch':
      return addPacedTest(pace, event.evaluateSeconds, event.epoch + 1);
    case 'checkpoint':
      return addPacedSave(pace, event.seconds);
    default:
      return pace;
  }
}

export function readOutlook({ work, budget, meter, pace, ending }: Outlook, now: number): OutlookReading {
  const reading = readMeter(meter, now);
  const standing = { ...reading, secondsLeft: paceSecondsLeft(pace, work), endingSeconds: endingSeconds(ending) };
  return { ...reading, projection: project(standing, budgetOf(budget)) };
}
