/** `report.html` of a run's folder, from what the run left in it. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readReportAssets } from './html/report-assets.ts';
import { renderRunPage } from './html/run-page.ts';
import { readStepSeries } from './step-series.ts';
import type { Summary } from './summary.ts';

/** @throws when the folder cannot be read or written */
export function writeRunReport(folder: string, summary: Summary): void {
  const steps = readStepSeries(readFileSync(join(folder, 'metrics.jsonl'), 'utf8'));
  const file = join(folder, 'report.html');
  writeFileSync(`${file}.tmp`, renderRunPage(summary, steps, readReportAssets()));
  renameSync(`${file}.tmp`, file);
}
