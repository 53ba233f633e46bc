import { Pushgateway, type Registry } from 'prom-client';
import { firstLineOf } from '../../../shared/core/errors.ts';

export interface PushTarget {
  /** The Pushgateway, http(s)://HOST:PORT. */
  readonly url: string;
  /** The group of these metrics. They replace what this instance pushed before. */
  readonly instance: string;
}

/** How long to wait for the gateway. */
const timeoutMs = 5000;

/**
 * Pushes the last metrics of a run to a Prometheus Pushgateway, as job `pennygrad`, because the run may end before it is
 * scraped again. There is one group for each instance rather than for each run, because a gateway never forgets a group.
 *
 * @returns what went wrong, in a line; a run that trained does not fail because its metrics could not be pushed
 */
export async function pushMetrics({ url, instance }: PushTarget, registry: Registry): Promise<string | undefined> {
  try {
    const gateway = new Pushgateway(url, { timeout: timeoutMs }, registry);
    await gateway.push({ jobName: 'pennygrad', groupings: { instance } });
    return undefined;
  } catch (error) {
    return `--pushgateway ${url}: the metrics could not be pushed: ${firstLineOf(error)}; is a Pushgateway running there?`;
  }
}
