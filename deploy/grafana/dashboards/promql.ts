/**
 * PromQL of the runs that the dashboard's variables `job` and `run_id` choose.
 *
 * Every query keeps the runs apart, and takes a run that has a series from several sources (it is scraped and pushed, or
 * it was resumed elsewhere) once: `max by (run_id, …)`.
 */

/** Further labels to keep besides `run_id`. */
type Labels = readonly string[];

const chosenRuns = 'job=~"$job", run_id=~"$run_id"';
const ended = selector('pennygrad_run_ended');
/**
 * The scrape interval of deploy/prometheus. The end of a run that does not push may be seen by a single scrape; whoever
 * looks less often than that misses it.
 */
export const lookEvery = '5s';
/** By the source: what a run pushed before it was resumed says nothing of the run that is scraped now. */
const sameSource = 'on (job, instance, run_id)';

/** A gauge while the run is under way. There is no series once it has ended, though it may still be pushed. */
export function now(name: string, by: Labels = [], matchers = ''): string {
  return once(by, `${selector(name, matchers)} unless ${sameSource} ${ended}`);
}

/**
 * What an expression of a run's gauges last was in the time shown. It stays once the run is over or gone. While a run goes
 * on somewhere, what it pushed before it was resumed does not count.
 */
export function latest(expr: string): string {
  const ongoing = once([], `${expr} unless ${sameSource} ${ended}`);
  return `last_over_time((${ongoing} or ${once([], expr)})[$__range:${lookEvery}])`;
}

/** A value over time. It stops a minute after the end of the run, so that the end shows and no flat line follows. */
export function course(name: string, by: Labels = [], matchers = ''): string {
  return once(by, untilEnd(selector(name, matchers)));
}

/** A course, per second, over as long as Grafana thinks best for the time shown. */
export function rate(name: string, by: Labels = [], matchers = ''): string {
  return once(by, untilEnd(`rate(${selector(name, matchers)}[$__rate_interval])`));
}

/**
 * What a counter has reached in the time shown: one that never falls, not even where the run is resumed. It stays once the
 * run is over or gone.
 */
export function total(name: string, by: Labels = [], matchers = ''): string {
  return once(by, `max_over_time(${selector(name, matchers)}[$__range])`);
}

/** A metric of a worker's own endpoint, which Prometheus scrapes as another job. */
export function own(name: string, by: Labels = []): string {
  return once(['worker', ...by], `${name}{run_id=~"$run_id"}`);
}

export function ownRate(name: string, by: Labels = []): string {
  return once(['worker', ...by], `rate(${name}{run_id=~"$run_id"}[$__rate_interval])`);
}

export function selector(name: string, matchers = ''): string {
  return `${name}{${chosenRuns}${matchers === '' ? '' : `, ${matchers}`}}`;
}

function once(by: Labels, expr: string): string {
  return `max by (${['run_id', ...by].join(', ')}) (${expr})`;
}

function untilEnd(expr: string): string {
  return `${expr} unless ${sameSource} (${ended} offset 1m and ${ended})`;
}
