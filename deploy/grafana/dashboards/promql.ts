/** PromQL of the runs that the dashboard's variables `job` and `run` choose. */

/** A run's name is a label of its `run_info` alone: joined by the target that was scraped, it selects all other series. */
const chosenRuns = 'and on (job, instance) pennygrad_run_info{run_id=~"$run"}';

/** @param matchers further ones, as in `split="test"` */
export function gauge(name: string, matchers = ''): string {
  return `(${selector(name, matchers)} ${chosenRuns})`;
}

/** Per second, over as long as Grafana thinks best for the time shown. */
export function rate(name: string, matchers = ''): string {
  return `(rate(${selector(name, matchers)}[$__rate_interval]) ${chosenRuns})`;
}

/** Of a worker's own endpoint, which is a target of its own. */
export function ownGauge(name: string): string {
  return `(${name} ${ownRuns})`;
}

export function ownRate(name: string): string {
  return `(rate(${name}[$__rate_interval]) ${ownRuns})`;
}

const ownRuns = 'and on (job, instance) pennygrad_worker_run_info{run_id=~"$run"}';

function selector(name: string, matchers: string): string {
  return `${name}{job=~"$job"${matchers === '' ? '' : `, ${matchers}`}}`;
}
