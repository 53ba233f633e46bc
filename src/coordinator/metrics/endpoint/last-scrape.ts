/** Whether a run should wait at its end for one more scrape. Pure: times are seconds of one monotonic clock, passed in. */

/** The latest scrapes of each reader of `/metrics`, oldest first. */
export type ScrapeTimes = ReadonlyMap<string, readonly number[]>;

export interface LastScrape {
  /** The readers to wait for; none means no wait. */
  readonly readers: readonly string[];
  /** The longest that the wait can take. */
  readonly seconds: number;
}

/**
 * The run waits for readers that scrape at intervals: that have scraped at least twice, are not overdue, and are expected
 * within the limit. A reader's interval is the median of its latest ones, so that a single missed scrape does not matter.
 */
export function lastScrapes(times: ScrapeTimes, now: number, limitSeconds: number): LastScrape {
  const waits = [...times].flatMap(([reader, scrapes]) => {
    const interval = medianInterval(scrapes);
    if (interval === undefined) return [];
    const due = interval - (now - (scrapes.at(-1) ?? Number.NaN));
    return due > limitSeconds ? [] : [{ reader, seconds: Math.min(due + lateness(interval), limitSeconds) }];
  });
  const awaited = waits.filter(({ seconds }) => seconds > 0);
  return {
    readers: awaited.map(({ reader }) => reader),
    seconds: Math.max(0, ...awaited.map(({ seconds }) => seconds)),
  };
}

/** How late a scrape may be before it is given up: half an interval, but at least a second for a busy machine. */
function lateness(interval: number): number {
  return Math.max(interval / 2, 1);
}

function medianInterval(times: readonly number[]): number | undefined {
  const intervals = times.slice(1).map((time, index) => time - (times[index] ?? Number.NaN));
  return intervals.sort((a, b) => a - b)[Math.floor(intervals.length / 2)];
}
