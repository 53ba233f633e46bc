/** Whether the end of a run waits to be scraped once more. Pure: times are seconds of one steady clock, passed in. */

/** When each reader of `/metrics` came lately, oldest first. */
export type ScrapeTimes = ReadonlyMap<string, readonly number[]>;

export interface LastScrape {
  /** Who is waited for. Nobody: there is no wait. */
  readonly readers: readonly string[];
  /** The longest that it takes. */
  readonly seconds: number;
}

/**
 * Waits for those who come at intervals: who was there twice, is not overdue, and will be back within the limit. Their
 * interval is the median of the last ones, so that one scrape that was lost does not count.
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

/** A scrape that is later than this does not come: half an interval, or what a busy machine takes. */
function lateness(interval: number): number {
  return Math.max(interval / 2, 1);
}

function medianInterval(times: readonly number[]): number | undefined {
  const intervals = times.slice(1).map((time, index) => time - (times[index] ?? Number.NaN));
  return intervals.sort((a, b) => a - b)[Math.floor(intervals.length / 2)];
}
