import { firstLineOf } from '../../../shared/core/errors.ts';
import { type OtlpTarget, shownUrl } from './otlp-target.ts';

/** What to tell the user about a run's exports. Each method returns a line, or undefined when there is nothing to say. */
export interface ExportReport {
  succeeded(): void;
  /** An export failed. Only the first failure gets a line. */
  failed(error: unknown): string | undefined;
  /** The library logged something, perhaps at every export. Each remark gets a line once. */
  remarked(remark: string): string | undefined;
  /** There will be no further export. Gets a line when the last export failed and was not the first failure. */
  ended(): string | undefined;
}

export function createExportReport({ namedBy, url }: Pick<OtlpTarget, 'namedBy' | 'url'>): ExportReport {
  const remarks = new Set<string>();
  let [exports, failures, lastFailed] = [0, 0, false];
  return {
    succeeded() {
      exports += 1;
      lastFailed = false;
    },
    failed(error) {
      exports += 1;
      failures += 1;
      lastFailed = true;
      if (failures > 1) return undefined;
      return (
        `${namedBy}: metrics could not be exported to ${shownUrl(url)}: ${causeOf(error)}; ` +
        'is an OTLP receiver for HTTP running there?'
      );
    },
    remarked(remark) {
      const line = firstLineOf(remark);
      if (remarks.has(line)) return undefined;
      remarks.add(line);
      return `${namedBy}: ${line}`;
    },
    ended() {
      if (!lastFailed || failures === 1) return undefined;
      return `${namedBy}: ${failures} of ${exports} exports to ${shownUrl(url)} failed, including the last: the receiver lacks the end of the run`;
    },
  };
}

/**
 * The library turns an error response into an error with no more than `Not Found` as its message; the body may say more.
 */
function causeOf(error: unknown): string {
  const answer = error instanceof Error && 'code' in error && typeof error.code === 'number' ? error : undefined;
  if (answer === undefined) return firstLineOf(error);
  const body = 'data' in answer && typeof answer.data === 'string' ? firstLineOf(answer.data) : '';
  // Only short plain text is shown: most receivers answer in binary, and proxies with an HTML page.
  const why = /^[ -;=-~]{1,200}$/.test(body) ? ` (${body})` : '';
  return `HTTP ${answer.code} ${firstLineOf(answer)}${why}`;
}
