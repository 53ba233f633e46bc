/** Training with generations that answer as a script says. */
import type { RecordedRun, RunEvent } from '../../../../src/coordinator/run-events.ts';
import {
  type Fleet,
  type TrainContext,
  type TrainOutcome,
  type TrainSettings,
  train,
} from '../../../../src/coordinator/training/train.ts';
import type { TrainingConfig } from '../../../../src/settings/training-settings.ts';
import { PennygradError } from '../../../../src/shared/core/errors.ts';
import { trainingConfig } from '../../../support/settings.ts';
import { type Script, scriptGeneration } from './scripted-generation.ts';

export interface Training extends Script {
  readonly training?: Partial<TrainingConfig>;
  readonly settings?: Partial<TrainSettings>;
  readonly context?: Partial<TrainContext>;
  readonly onEvent?: (event: RunEvent) => void;
  readonly changeDue?: Fleet['changeDue'];
  /** Called when one begins. */
  readonly onGeneration?: () => void;
  /** The generations that follow. After them nobody comes. */
  readonly later?: readonly Script[];
}

interface Trained {
  /** What the generations were asked, one after another. */
  readonly log: readonly string[];
  readonly events: readonly RunEvent[];
  eventsOf<Type extends RunEvent['type']>(type: Type): readonly Extract<RunEvent, { type: Type }>[];
  /** Step, epoch and cursor of each checkpoint. */
  readonly positions: readonly (readonly number[])[];
}

/** More than any of these trainings asks and tells. Without waits, one that never ends would stop the test runner as well. */
const mostCalls = 1000;

/**
 * Two epochs of three steps, of 4 of 10 samples, 20 test images, two workers that each vote for 8 samples.
 * @returns how it ended, or by which error
 */
async function trainToTheEnd({
  training,
  settings,
  context,
  onEvent,
  changeDue = () => undefined,
  onGeneration = () => {},
  later = [],
  ...script
}: Training): Promise<Trained & { readonly ended: PromiseSettledResult<TrainOutcome> }> {
  const first = scriptGeneration(script);
  const { log, time } = first;
  const generations = [first, ...later.map((next) => scriptGeneration(next, first))];
  const nextGeneration = async () => {
    const next = generations.shift();
    if (next === undefined) throw new PennygradError('quorum-lost', 'nobody came');
    onGeneration();
    return next.generation;
  };
  const events: RunEvent[] = [];
  let calls = 0;
  const count = () => {
    if (++calls > mostCalls) throw new Error('training goes round in circles');
  };
  const [ended] = await Promise.allSettled([
    train(
      {
        nextGeneration,
        changeDue() {
          count();
          return changeDue();
        },
      },
      {
        training: trainingConfig({ batchSize: 4, epochs: 2, ...training }),
        trainCount: 10,
        testCount: 20,
        ...settings,
      },
      {
        clock: time.clock,
        signal: new AbortController().signal,
        observe(event) {
          count();
          events.push(event);
          onEvent?.(event);
        },
        ...context,
      },
    ),
  ]);
  const eventsOf = <Type extends RunEvent['type']>(type: Type) =>
    events.filter((event): event is Extract<RunEvent, { type: Type }> => event.type === type);
  const positions = eventsOf('checkpoint').map(({ checkpoint: { step, epoch, cursor } }) => [step, epoch, cursor]);
  return { ended, log, events, eventsOf, positions };
}

/** Training that comes to its end. @throws what ended it early */
export async function runTraining(training: Training = {}): Promise<Trained & { readonly outcome: TrainOutcome }> {
  const { ended, log, events, eventsOf, positions } = await trainToTheEnd(training);
  if (ended.status === 'rejected') throw ended.reason;
  return { outcome: ended.value, log, events, eventsOf, positions };
}

/** Training that fails. @throws where it does not */
export async function failTraining(training: Training): Promise<Trained & { readonly failure: unknown }> {
  const { ended, log, events, eventsOf, positions } = await trainToTheEnd(training);
  if (ended.status === 'fulfilled') throw new Error('training ended as planned');
  return { failure: ended.reason, log, events, eventsOf, positions };
}

export const atStep = (step: number, act: () => void) => (event: RunEvent) => {
  if (event.type === 'step' && event.step === step) act();
};

/** What the run had done up to a step, by its record; four samples into its second epoch unless a test says otherwise. */
export const recorded = (step: number, fields: Partial<RecordedRun> = {}): RecordedRun => ({
  step,
  generation: 1,
  samplesBefore: 4 * step,
  samples: 4 * step,
  trainSeconds: step,
  skippedSteps: 0,
  skippedInRow: 0,
  epochs: [],
  milestones: [],
  openEpoch: { epoch: 1, samples: 4, lossSum: 8, correct: 2, seconds: 1, usd: 0 },
  samplesByWorker: undefined,
  keptMetrics: '',
  ...fields,
});
