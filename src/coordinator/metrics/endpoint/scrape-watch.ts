import type { ServerResponse } from 'node:http';
import type { Clock } from '../../../shared/core/clock.ts';
import type { Timers } from '../../../shared/core/timers.ts';
import { lastScrapes } from './last-scrape.ts';

export interface ScrapeWatch {
  /** A reader asked for `/metrics` and is about to get `response`. */
  observe(reader: string, response: ServerResponse): void;
  /**
   * Resolves when every regular reader has been answered once more; immediately when there are none.
   * @param limitSeconds the longest wait; 15 s at most if the run was interrupted, so that nobody kills it for being slow
   * @param signal ends the wait; one that has interrupted the run already does not
   * @param onWait called with the longest time that the wait can take, if there is a wait
   */
  waitForLast(limitSeconds: number, signal: AbortSignal, onWait: (seconds: number) => void): Promise<void>;
}

/** Scrapes that are kept for each reader: enough for a median. */
const keptTimes = 5;
/** Kubernetes kills 30 s after it has asked a process to end. */
const interruptedLimitSeconds = 15;
/** Bounded, because anybody may ask for the metrics. */
const keptReaders = 16;

/** Follows who reads the metrics, so that a run does not end before its last bookings have been scraped. */
export function createScrapeWatch({ now }: Pick<Clock, 'now'>, timers: Timers): ScrapeWatch {
  // Ordered by the time of the last scrape.
  const times = new Map<string, readonly number[]>();
  let onAnswered: ((reader: string) => void) | undefined;

  return {
    observe(reader, response) {
      const before = times.get(reader) ?? [];
      times.delete(reader);
      times.set(reader, [...before, now()].slice(-keptTimes));
      const [oldest] = times.keys();
      if (times.size > keptReaders && oldest !== undefined) times.delete(oldest);
      // The answer to a request from before the wait may lack the latest values.
      const tell = onAnswered;
      if (tell !== undefined) response.once('finish', () => tell(reader));
    },
    waitForLast(limitSeconds, signal, onWait) {
      const longest = signal.aborted ? Math.min(limitSeconds, interruptedLimitSeconds) : limitSeconds;
      const { readers, seconds } = lastScrapes(times, now(), longest);
      if (readers.length === 0) return Promise.resolve();
      onWait(seconds);
      const missing = new Set(readers);
      return new Promise((resolve) => {
        const end = () => {
          endTimer();
          signal.removeEventListener('abort', end);
          onAnswered = undefined;
          resolve();
        };
        const endTimer = timers.after(seconds * 1000, end);
        signal.addEventListener('abort', end);
        onAnswered = (reader) => {
          missing.delete(reader);
          if (missing.size === 0) end();
        };
      });
    },
  };
}
