/** Saves each plot of a report as a PNG with title and legend, in light colours, for pages that only show pictures. */
import { existsSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { decode, encode } from 'fast-png';
import { chromium, type Page } from 'playwright-core';
import { badInput, messageOf, PennygradError } from '../shared/core/errors.ts';
import { makeFolder } from '../shared/files/make-folder.ts';

/** The arguments of `npm run docs:plots`. */
interface PlotArguments {
  readonly report: string;
  /** The pictures are saved as PREFIX-NAME.png. */
  readonly prefix: string;
  /** The browser's path. */
  readonly chromium: string;
}

const usage =
  'npm run docs:plots -- REPORT.html docs/PREFIX; set CHROMIUM to use another browser than /usr/bin/chromium';

/** @throws PennygradError `bad-input` unless there are two arguments */
function readPlotArguments(
  [report, prefix, ...more]: readonly string[],
  { CHROMIUM: chromium = '/usr/bin/chromium' }: NodeJS.ProcessEnv,
): PlotArguments {
  if (report === undefined || prefix === undefined || more.length > 0) throw badInput(`usage: ${usage}`);
  return { report, prefix, chromium };
}

/** In CSS pixels: the width of a page's text on GitHub. */
const width = 830;
/** Pixels per CSS pixel, for high-resolution screens. */
const scale = 2;

/** Hides what is only useful with a pointer. */
const pictureStyle = `
  figure { padding: 12px; margin: 0; background: var(--ground); }
  details, .u-legend .u-series:first-child, .u-legend .u-value { display: none !important; }
  .u-inline.u-live th::after { content: none !important; }
`;

/**
 * @returns the pictures' paths, in the order of the report
 * @throws PennygradError `bad-input` if there is no report, no plot in it or no browser
 */
async function savePlots({ report, prefix, chromium: executablePath }: PlotArguments): Promise<readonly string[]> {
  if (!existsSync(report)) throw badInput(`${report}: no such file; create it with pennygrad compare --html ${report}`);
  if (!existsSync(executablePath)) {
    throw badInput(`${executablePath} is missing: apt-get install chromium, or set CHROMIUM to another browser`);
  }
  const browser = await chromium.launch({ executablePath });
  try {
    const context = await browser.newContext({
      viewport: { width, height: 900 },
      deviceScaleFactor: scale,
      colorScheme: 'light',
    });
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('pageerror', ({ message }) => complaints.push(message));
    await page.goto(pathToFileURL(resolve(report)).href);
    await page.addStyleTag({ content: pictureStyle });
    makeFolder(dirname(prefix));
    const files = await saveFigures(page, report, prefix);
    if (complaints.length > 0) throw new Error(`${report}: its plots have errors: ${complaints.join('; ')}`);
    return files;
  } finally {
    await browser.close();
  }
}

async function saveFigures(page: Page, report: string, prefix: string): Promise<readonly string[]> {
  const figures = await page.locator('figure[id]').all();
  if (figures.length === 0) throw badInput(`${report}: has no plots; pass a report that pennygrad wrote with --html`);
  const files: string[] = [];
  for (const figure of figures) {
    const path = `${prefix}-${await figure.getAttribute('id')}.png`;
    writeFileSync(path, smaller(await figure.screenshot()));
    files.push(path);
  }
  return files;
}

/** Recompresses a picture as far as possible, because browsers compress screenshots only a little. */
function smaller(png: Buffer): Uint8Array {
  return encode(decode(png), { zlib: { level: 9 } });
}

try {
  for (const file of await savePlots(readPlotArguments(process.argv.slice(2), process.env))) console.log(file);
} catch (error) {
  console.error(`docs:plots: ${messageOf(error)}`);
  process.exitCode = error instanceof PennygradError ? 2 : 1;
}
