/** What every report contains so that it needs no network: uPlot, and the report's own scripts and style. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
/** The path is the same from `src` and from `dist`. */
const own = (name: string) => readFileSync(new URL(`../../../assets/report/${name}`, import.meta.url), 'utf8');
const uplot = (name: string) => readFileSync(require.resolve(`uplot/dist/${name}`), 'utf8');

export interface ReportAssets {
  readonly css: string;
  readonly js: readonly string[];
}

export function readReportAssets(): ReportAssets {
  return {
    css: `${uplot('uPlot.min.css')}\n${own('report.css')}`,
    js: [
      uplot('uPlot.iife.min.js'),
      own('place-names.js'),
      own('axis-range.js'),
      own('log-ticks.js'),
      own('whisker-lines.js'),
      own('charts.js'),
    ],
  };
}
