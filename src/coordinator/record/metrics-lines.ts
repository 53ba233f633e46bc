/** The lines of `metrics.jsonl`, from the events of a run. `metrics-log.ts` reads them. Steps and epochs count from 1 there. */
import { interruptionFields } from '../../economics/record/interruption.ts';
import { addPhases, noPhaseSeconds } from '../../shared/core/phases.ts';
import type { MemberInfo, MemberStep, RunEvent, StepEvent } from '../run-events.ts';

export interface MetricsLines {
  /** The line of a committed step. */
  step(event: StepEvent): string;
  /** What the file gets at any other event; nothing, mostly. After a `went-on` the file is what that says. */
  follow(event: Exclude<RunEvent, StepEvent>): string;
}

export function createMetricsLines(): MetricsLines {
  /** Committed steps. */
  let committed = 0;
  /** Those of the last step's line. */
  let last: readonly MemberStep[] | undefined;

  /** Where they differ from those of the step before. */
  function changedSamples(members: readonly MemberStep[]): object | undefined {
    const isSame = (member: MemberStep, index: number) =>
      last?.[index]?.workerId === member.workerId && last[index].samples === member.samples;
    const areSame = last?.length === members.length && members.every(isSame);
    last = members;
    return areSame ? undefined : Object.fromEntries(members.map((member) => [member.workerId, member.samples]));
  }

  return {
    step(event) {
      committed = event.step + 1;
      const total = event.members.reduce((sum, { phases }) => addPhases(sum, phases), noPhaseSeconds);
      const { type, step, epoch, samples, loss, seconds, usd } = event;
      return textOf({
        type,
        step: step + 1,
        epoch: epoch + 1,
        samples,
        loss,
        seconds,
        cost_usd: usd,
        accuracy: event.correct / samples,
        samples_per_second: rate(samples, seconds),
        // The sum over all members: divided by their number it is the mean.
        phase_seconds: total,
        worker_samples: changedSamples(event.members),
        generation: event.generation,
        skipped: event.skipped === undefined ? undefined : true,
      });
    },
    follow(event) {
      switch (event.type) {
        case 'went-on':
          committed = event.step;
          last = undefined;
          return '';
        case 'resumed':
          committed = event.step;
          return '';
        case 'rolled-back':
          committed = event.step;
          // Readers take the last line of a step.
          return textOf({ type: 'resume', step: event.step, lost_steps: event.lostSteps });
        case 'generation':
          last = undefined;
          return textOf({
            type: 'fleet',
            step: committed,
            generation: event.number,
            workers: event.members.map(fleetLine),
          });
        case 'interruption': {
          const { step, ...fields } = interruptionFields(event.interruption);
          return textOf({ type: event.type, step, ...fields });
        }
        case 'shares':
          return textOf({ ...event, step: event.step + 1, shares: event.shares.map(({ samples }) => samples) });
        case 'epoch': {
          const { type, epoch, loss, accuracy, testLoss, testAccuracy, samples, seconds, usd } = event;
          return textOf({
            type,
            epoch: epoch + 1,
            loss,
            accuracy,
            test_loss: testLoss,
            test_accuracy: testAccuracy,
            samples,
            seconds,
            cost_usd: usd,
            evaluate_seconds: event.evaluateSeconds,
            cut_short: event.cutShort,
            samples_per_second: rate(samples, seconds),
          });
        }
        default:
          return '';
      }
    },
  };
}

function textOf(line: object): string {
  return `${JSON.stringify(line)}\n`;
}

/** Undefined, and so left out of the line, where a clock saw no time pass. */
function rate(samples: number, seconds: number): number | undefined {
  return seconds > 0 ? samples / seconds : undefined;
}

function fleetLine(member: MemberInfo): object {
  const { workerId, backend, device, gpu, emulatedSpeed, priceUsdPerHour, priceAssumed } = member;
  return {
    worker_id: workerId,
    backend,
    device,
    gpu,
    emulated_speed: emulatedSpeed,
    price_usd_per_hour: priceUsdPerHour,
    price_assumed: priceAssumed,
  };
}
