import { runStatuses, type ShownStatus, statusQuery } from '../../deploy/grafana/dashboards/run-status.ts';
import type { Series } from './monitoring.ts';

/** What a dashboard's variables mean when All is chosen. */
export const allChosen = '.+';

type Interval = '5s' | '1s' | '200ms';
/** What Grafana makes of a data source with this scrape interval, for short times. */
const rateIntervals: Readonly<Record<Interval, string>> = { '5s': '20s', '1s': '4s', '200ms': '800ms' };

/** A panel's query as Grafana sends it, for ten minutes and a Prometheus that scrapes at this interval. */
export function asked(expr: string, interval: Interval, job: string, runId = allChosen): string {
  const query = expr
    .replaceAll('$job', job)
    .replaceAll('$run_id', runId)
    .replaceAll('$__rate_interval', rateIntervals[interval])
    .replaceAll('$__range:5s', `$__range:${interval}`)
    .replaceAll('$__range', '10m');
  if (query.includes('$')) throw new Error(`a variable that Grafana would not know here: ${query}`);
  return query;
}

/** The query of the panel *Status*, for all runs of a job. */
export function askedStatus(interval: Interval, job: string): string {
  return asked(statusQuery, interval, job);
}

/** By run. */
export function statusesIn(series: readonly Series[]): Readonly<Record<string, ShownStatus | undefined>> {
  return Object.fromEntries(
    series.map(({ metric, values }) => [metric.run_id, runStatuses[(values.at(-1)?.value ?? 0) - 1]]),
  );
}
