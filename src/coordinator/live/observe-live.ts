import type { Clock } from '../../shared/core/clock.ts';
import type { Timers } from '../../shared/core/timers.ts';
import type { RunObserver } from '../run-events.ts';
import { advanceLive, beginLive, endLive, type LiveEnding, type LivePlan, tickLive } from './live-record.ts';
import { createLiveStream, type LiveStream } from './live-stream.ts';

/** Keeps the state of the live page and streams it to the pages that are connected. */
export interface LiveObserver {
  readonly observe: RunObserver;
  /** Records how the run ended. Closing the stream afterwards sends it to the pages. */
  end(ending: LiveEnding): void;
  readonly stream: LiveStream;
}

export function observeLive(plan: LivePlan, clock: Clock, timers: Timers): LiveObserver {
  const moment = () => ({ now: clock.now(), unixMs: clock.unixMs() });
  let record = beginLive(plan);
  const read = () => {
    record = tickLive(record, moment());
    return record.state;
  };
  const stream = createLiveStream(read, clock, timers);
  return {
    stream,
    observe(event) {
      record = advanceLive(record, event, moment());
    },
    end(ending) {
      record = endLive(record, ending, moment());
    },
  };
}
