/** Writes `report.html` in a run's folder, from the other files there. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describePaidPrices, pricedWorkers } from '../../economics/planning/gpu-offers.ts';
import { cardHistories } from '../../economics/planning/price-history.ts';
import type { PriceRow } from '../../economics/prices/price-row.ts';
import { readStepSeries } from '../../economics/record/step-series.ts';
import type { Summary } from '../../economics/record/summary.ts';
import { writeFileAtomically } from '../../shared/files/atomic-files.ts';
import { readBoundedText } from '../../shared/files/bounded-file.ts';
import { fileLimits } from '../../shared/files/file-limits.ts';
import { readReportAssets } from './report-assets.ts';
import { renderRunPage } from './run-page.ts';

/**
 * @param prices the price table in which the workers' cards are looked up
 * @throws when the folder cannot be read or written
 */
export function writeRunReport(folder: string, summary: Summary, prices: readonly PriceRow[]): void {
  const steps = readStepSeries(readBoundedText(join(folder, 'metrics.jsonl'), fileLimits.log));
  const picture = join(folder, 'predictions.svg');
  // A run that ended early has none.
  const predictions = existsSync(picture) ? readBoundedText(picture, fileLimits.picture) : undefined;
  const cautions = describePaidPrices(pricedWorkers([summary]), prices, summary.started_at.slice(0, 10));
  const cards = cardHistories([summary], prices);
  const page = renderRunPage({ summary, steps, cards, predictions, cautions }, readReportAssets());
  writeFileAtomically(join(folder, 'report.html'), page);
}
