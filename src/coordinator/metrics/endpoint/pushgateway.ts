import { Histogram, type Metric, Pushgateway, Registry } from 'prom-client';
import { firstLineOf } from '../../../shared/core/errors.ts';

export interface PushTarget {
  /** The Pushgateway, http(s)://HOST:PORT. */
  readonly url: string;
  /** These name the group of the metrics, which replaces what this run pushed from this host before. */
  readonly instance: string;
  readonly runId: string;
}

/** How long to wait for the gateway. */
const timeoutMs = 5000;

/**
 * Pushes the last metrics of a run to a Prometheus Pushgateway, as job `pennygrad`, because the run may end before it is
 * scraped again. Each run has a group of its own: in one group for the host, a run would lose what it cost to the next one.
 * A gateway never forgets a group, so histograms, which are most of the series, stay out of it.
 *
 * @returns what went wrong, in a line; a run that trained does not fail because its metrics could not be pushed
 */
export async function pushMetrics(
  { url, instance, runId }: PushTarget,
  registry: Registry,
): Promise<string | undefined> {
  try {
    const gateway = new Pushgateway(url, { timeout: timeoutMs }, withoutHistograms(registry));
    await gateway.push({ jobName: 'pennygrad', groupings: { instance, run_id: runId } });
    return undefined;
  } catch (error) {
    return `--pushgateway ${url}: the metrics could not be pushed: ${firstLineOf(error)}; is a Pushgateway running there?`;
  }
}

function withoutHistograms(registry: Registry): Registry {
  const kept = new Registry();
  for (const metric of registry.getMetricsAsArray()) {
    if (!(metric instanceof Histogram)) kept.registerMetric(metric as unknown as Metric);
  }
  return kept;
}
