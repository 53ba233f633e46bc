/** What a run prints of a disk that does not take its files, and takes them again. */
import type { RunEvent, RunObserver } from '../coordinator/run-events.ts';
import { describeLost } from '../shared/files/line-file.ts';
import type { RunPrinter } from './run-printer.ts';

/** Each trouble is told once, however often it is met, and its end once. */
export function noteDisk({ warn }: Pick<RunPrinter, 'warn'>): RunObserver {
  let savedStep: number | undefined;
  let isFailing = false;
  return (event: RunEvent) => {
    switch (event.type) {
      case 'checkpoint-failed': {
        if (isFailing) break;
        isFailing = true;
        const last = savedStep === undefined ? 'none was written before' : `the last good one is step-${savedStep}`;
        warn(`no checkpoint at step ${event.step}: ${event.reason}; training goes on, ${last}, and the next is tried`);
        break;
      }
      case 'resumed':
        // Without a checkpoint it starts over.
        if (event.step > 0) savedStep = event.step;
        break;
      case 'checkpoint-saved':
        if (isFailing) warn(`checkpoints are written again: step-${event.step}`);
        isFailing = false;
        savedStep = event.step;
        break;
      case 'lines-waiting':
        warn(`${event.reason}; training goes on, and the lines of the run wait in memory`);
        break;
      case 'lines-written':
        warn(`the files of the run are written again${describeLost(event.lostBytes)}`);
        break;
    }
  };
}
