import type { ServerResponse } from 'node:http';
import type { Clock } from '../../../shared/core/clock.ts';
import { lastScrapes } from './last-scrape.ts';

export interface ScrapeWatch {
  /** Somebody asks for `/metrics`, and will be answered with `response`. */
  observe(reader: string, response: ServerResponse): void;
  /**
   * Resolves once everybody who comes regularly has been answered once more, from now on; at once when there is nobody.
   * @param limitSeconds the longest that it may take
   * @param signal ends it at once
   * @param onWait is told how long it takes at most, if it takes any time
   */
  waitForLast(limitSeconds: number, signal: AbortSignal, onWait: (seconds: number) => void): Promise<void>;
}

/** Enough for a median; what was long ago says nothing. */
const keptTimes = 5;
/** Strangers could fill the memory otherwise. */
const keptReaders = 16;

/** Follows who reads the metrics, so that a run does not end between its last booking and the scrape that sees it. */
export function createScrapeWatch({ now }: Pick<Clock, 'now'>): ScrapeWatch {
  // In the order in which they were last here.
  const times = new Map<string, readonly number[]>();
  let onAnswered: ((reader: string) => void) | undefined;

  return {
    observe(reader, response) {
      const before = times.get(reader) ?? [];
      times.delete(reader);
      times.set(reader, [...before, now()].slice(-keptTimes));
      const [oldest] = times.keys();
      if (times.size > keptReaders && oldest !== undefined) times.delete(oldest);
      // A scrape that began before the wait may hold what was before it.
      const tell = onAnswered;
      if (tell !== undefined) response.once('finish', () => tell(reader));
    },
    waitForLast(limitSeconds, signal, onWait) {
      const { readers, seconds } = lastScrapes(times, now(), limitSeconds);
      if (readers.length === 0 || signal.aborted) return Promise.resolve();
      onWait(seconds);
      const missing = new Set(readers);
      return new Promise((resolve) => {
        const end = () => {
          clearTimeout(timer);
          signal.removeEventListener('abort', end);
          onAnswered = undefined;
          resolve();
        };
        const timer = setTimeout(end, seconds * 1000);
        signal.addEventListener('abort', end);
        onAnswered = (reader) => {
          missing.delete(reader);
          if (missing.size === 0) end();
        };
      });
    },
  };
}
