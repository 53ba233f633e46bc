/** What `npm run docs:plots` is told. */
import { badInput } from '../shared/core/errors.ts';

export interface PlotArguments {
  readonly report: string;
  /** The pictures are called PREFIX-NAME.png. */
  readonly prefix: string;
  /** Path of the browser. */
  readonly chromium: string;
}

const usage = 'npm run docs:plots -- REPORT.html docs/PREFIX; $CHROMIUM names a browser that is not /usr/bin/chromium';

/** @throws bad-input unless there are two arguments */
export function readPlotArguments(
  [report, prefix, ...more]: readonly string[],
  { CHROMIUM: chromium = '/usr/bin/chromium' }: NodeJS.ProcessEnv,
): PlotArguments {
  if (report === undefined || prefix === undefined || more.length > 0) throw badInput(`usage: ${usage}`);
  return { report, prefix, chromium };
}
