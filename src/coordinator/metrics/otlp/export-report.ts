import { firstLineOf } from '../../../shared/core/errors.ts';
import { type OtlpTarget, shownUrl } from './otlp-target.ts';

/** What is worth saying of a run's exports: each method returns the line, if there is one. */
export interface ExportReport {
  succeeded(): void;
  /** An export failed: worth a line the first time. */
  failed(error: unknown): string | undefined;
  /** The library has something to say, which it may do at every export: worth a line once. */
  remarked(remark: string): string | undefined;
  /** There will be no further export: worth a line when the last one failed, and not as the first. */
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
        'is it an OTLP receiver over HTTP, and up?'
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
      return `${namedBy}: ${failures} of ${exports} exports to ${shownUrl(url)} failed, the last among them: the end of the run is not there`;
    },
  };
}

/** Of an answer the library makes an error whose message is no more than `Not Found`; its body may say why. */
function causeOf(error: unknown): string {
  const answer = error instanceof Error && 'code' in error && typeof error.code === 'number' ? error : undefined;
  if (answer === undefined) return firstLineOf(error);
  const body = 'data' in answer && typeof answer.data === 'string' ? firstLineOf(answer.data) : '';
  // Most receivers answer in binary, and proxies with a page.
  const why = /^[ -;=-~]{1,200}$/.test(body) ? ` (${body})` : '';
  return `HTTP ${answer.code} ${firstLineOf(answer)}${why}`;
}
