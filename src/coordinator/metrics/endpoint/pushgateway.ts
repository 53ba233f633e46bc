import { Pushgateway, type Registry } from 'prom-client';
import { firstLineOf } from '../../../shared/core/errors.ts';

export interface PushTarget {
  /** Of the Pushgateway, http(s)://HOST:PORT. */
  readonly url: string;
  /** Whose metrics these are: they take the place of what this instance pushed before. */
  readonly instance: string;
}

/** A gateway that says nothing for so long is not waited for. */
const timeoutMs = 5000;

/**
 * Leaves a run's last metrics with a Prometheus Pushgateway, under job `pennygrad`, for a run may be over before it is
 * scraped again. One group an instance, not one a run: a gateway forgets nothing of its own accord.
 *
 * @returns what went wrong, in a line: a run that trained has not failed because nobody took its metrics
 */
export async function pushMetrics({ url, instance }: PushTarget, registry: Registry): Promise<string | undefined> {
  try {
    const gateway = new Pushgateway(url, { timeout: timeoutMs }, registry);
    await gateway.push({ jobName: 'pennygrad', groupings: { instance } });
    return undefined;
  } catch (error) {
    return `--pushgateway ${url}: the metrics could not be left there: ${firstLineOf(error)}; is it a Pushgateway, and up?`;
  }
}
