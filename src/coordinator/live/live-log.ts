/** The log of the live page: a line for every event that people should know about. Pure. */
import { describeInterruption } from '../../economics/record/interruption-text.ts';
import { countOf, formatPercent, formatSeconds } from '../../shared/core/number-format.ts';
import { describeStandstill } from '../../shared/core/standstill.ts';
import { describeLost } from '../../shared/files/line-file.ts';
import type { LogEntry } from '../../shared/protocol/live/live-state.ts';
import type { RunEvent } from '../run-events.ts';

export type LogLine = Pick<LogEntry, 'text' | 'level'>;

/** Entries that are kept. */
const keptEntries = 100;
/** Characters of a text that are kept: workers describe themselves at any length. */
const longestText = 300;

/** @returns undefined for an event that has no line */
export function describeEvent(event: RunEvent, worldSize: number): LogLine | undefined {
  const info = (text: string): LogLine => ({ text, level: 'info' });
  const good = (text: string): LogLine => ({ text, level: 'good' });
  const bad = (text: string): LogLine => ({ text, level: 'bad' });
  switch (event.type) {
    case 'listening':
      return info(`waiting for ${worldSize === 1 ? 'a worker' : `${worldSize} workers`}`);
    case 'resumed':
      return info(`resumed after step ${event.step}`);
    case 'worker-joined':
      return info(`${event.workerId} joined from ${event.host}`);
    case 'worker-ready':
      return info(`${event.workerId} is ready: ${event.backend} (${event.device})`);
    case 'worker-refused':
      return bad(`refused ${event.workerId}: ${event.reason}`);
    case 'stood-still':
      return info(describeStandstill(event.seconds));
    case 'worker-lost':
      return bad(`lost ${event.workerId}: ${event.reason}`);
    case 'worker-preempted':
      return info(`${event.workerId} is preempted: it has ${formatSeconds(event.seconds)} to leave`);
    case 'interruption':
      return info(describeInterruption(event.interruption));
    case 'all-reduce':
      return info(`all-reduce ${event.allReduce}: ${event.reason}`);
    case 'healed':
      return bad(`${event.workerId} held wrong parameters before step ${event.step + 1}, and gets those of the others`);
    case 'waiting':
      return bad(`waiting for workers: ${event.reason}`);
    case 'worker-draining':
      return info(`${event.workerId} leaves after the step in flight: ${event.reason}`);
    case 'worker-drained':
      return info(`${event.workerId} has left: ${event.reason}`);
    case 'straggler':
      return event.isOne
        ? bad(`${event.workerId} is a straggler: ${event.reason}`)
        : good(`${event.workerId} is no straggler any more: ${event.reason}`);
    case 'straggler-kept':
      return bad(`${event.workerId} is not dropped: ${event.reason}`);
    case 'rolled-back':
      return bad(
        `back at step ${event.step}: no worker is left that has the ${countOf(event.lostSteps, 'step')} after it`,
      );
    case 'generation':
      return good(`${event.number === 1 ? 'training begins' : 'training goes on'}: ${event.reason}`);
    case 'shares':
      return info(`from step ${event.step + 1} ${event.reason}`);
    case 'step':
      return event.skipped === undefined ? undefined : bad(`step ${event.step + 1} was skipped: ${event.skipped}`);
    case 'epoch': {
      const how = event.cutShort ? 'cut short' : 'finished';
      return good(`epoch ${event.epoch + 1} ${how}: test accuracy ${formatPercent(event.testAccuracy, 2)}`);
    }
    case 'checkpoint-saved':
      return info(`checkpoint at step ${event.step}`);
    case 'checkpoint-failed':
      return bad(`no checkpoint at step ${event.step}: ${event.reason}`);
    case 'lines-waiting':
      return bad(`${event.reason}; the lines of the run wait in memory`);
    case 'lines-written':
      return good(`the files of the run are written again${describeLost(event.lostBytes)}`);
    case 'frame-rejected':
      return bad(`rejected a frame (${event.reason}): ${event.detail}; further ones are only counted, in /metrics`);
    case 'went-on':
      return info(`training goes on after step ${event.step}`);
    case 'worker-began':
    case 'worker-ended':
    case 'worker-heard':
    case 'slowdowns':
    case 'straggler-overdue':
    case 'epoch-begun':
    case 'spent':
    case 'ledger':
    case 'predictions':
    case 'checkpoint':
    case 'tick':
    // The end of the run is logged with its reason, which this event lacks.
    case 'ended':
      return undefined;
    default:
      return event satisfies never;
  }
}

export function appendToLog(log: readonly LogEntry[], unixMs: number, { text, level }: LogLine): readonly LogEntry[] {
  const entry = { id: (log.at(-1)?.id ?? 0) + 1, unixMs, level, text: clip(text) };
  return [...log, entry].slice(-keptEntries);
}

export function clip(text: string): string {
  return text.length <= longestText ? text : `${text.slice(0, longestText - 1)}…`;
}
