/** Reports in a real browser: they draw, are silent on the network, and can be read without seeing or on paper. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { decode } from 'fast-png';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compareRuns } from '../../src/economics/comparison/comparison.ts';
import { cardHistories, historiesByGpu, labelPrices } from '../../src/economics/planning/price-history.ts';
import { costOverTime } from '../../src/economics/planning/repricing.ts';
import { summarize } from '../../src/economics/record/summarize.ts';
import { renderComparisonPage } from '../../src/report/html/comparison-page.ts';
import { renderPricesPage } from '../../src/report/html/prices-page.ts';
import { readReportAssets } from '../../src/report/html/report-assets.ts';
import { renderRepricedPage } from '../../src/report/html/repriced-page.ts';
import { renderRunPage } from '../../src/report/html/run-page.ts';
import { renderPredictionsSvg } from '../../src/report/predictions/predictions-svg.ts';
import { accessibilityProblems, launchChromium, type PageWatch, watchPage } from '../support/chromium.ts';
import { comparedRun } from '../support/compared-runs.ts';
import { needs } from '../support/machine-parts.ts';
import { priceRows } from '../support/price-rows.ts';
import { runRecord, workerRecord } from '../support/run-records.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const dear = { backend: 'wasm', price: 0.4 };
const cheap = { backend: '</script><b>cpu', price: 0.05 };
const runs = [
  ...[990, 1000, 1010].map((rate) => comparedRun({ workers: [dear], rate, batch: 64 })),
  ...[1485, 1500, 1515].map((rate) => comparedRun({ workers: [dear, dear], rate, batch: 64 })),
  ...[792, 800, 808].map((rate) => comparedRun({ workers: [dear], rate, batch: 32 })),
  comparedRun({ workers: [cheap], rate: 250, batch: 64 }),
  comparedRun({ workers: [dear, cheap], rate: 1100, batch: 64 }),
];

const { describe } = await needs('chromium');

describe('reports in Chromium', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser?.close());

  const folder = temporaryFolder();
  const file = join(folder, 'report.html');
  writeFileSync(file, renderComparisonPage(compareRuns(runs), readReportAssets()));

  async function open(options: BrowserContextOptions = {}): Promise<PageWatch & { readonly page: Page }> {
    const context = await browser.newContext({ viewport: { width: 1000, height: 900 }, ...options });
    const page = await context.newPage();
    const watch = watchPage(page);
    await page.goto(pathToFileURL(file).href);
    return { page, ...watch };
  }

  /** Colours in what the browser drew. */
  async function coloursOf(page: Page, selector: string): Promise<number> {
    const { data, channels } = decode(await page.locator(selector).first().screenshot());
    const colours = new Set<number>();
    for (let i = 0; i < data.length; i += channels) {
      colours.add(((data[i] ?? 0) << 16) | ((data[i + 1] ?? 0) << 8) | (data[i + 2] ?? 0));
    }
    return colours.size;
  }

  for (const colorScheme of ['light', 'dark'] as const) {
    test(`draws every chart in ${colorScheme} colours without an error or a request`, async () => {
      const { page, complaints, requests } = await open({ colorScheme });
      expect(await page.locator('.chart canvas').count()).toBe(4);
      for (const id of ['throughput', 'efficiency', 'front', 'break-even']) {
        expect(await coloursOf(page, `[data-chart="${id}"] canvas`)).toBeGreaterThan(20);
      }
      await page.setViewportSize({ width: 600, height: 900 });
      await page.emulateMedia({ colorScheme: colorScheme === 'light' ? 'dark' : 'light' });
      expect(await page.locator('.chart canvas').count()).toBe(4);
      expect(complaints).toEqual([]);
      expect(requests).toEqual([pathToFileURL(file).href]);
      await page.context().close();
    });

    test(`has nothing that axe finds wrong in ${colorScheme} colours, all of it unfolded`, async () => {
      const { page } = await open({ colorScheme, bypassCSP: true });
      for (const summary of await page.locator('summary').all()) await summary.click();
      expect(await accessibilityProblems(page)).toEqual([]);
      await page.context().close();
    });
  }

  test('the tables behind the charts have their figures', async () => {
    const { page } = await open();
    const table = page.getByRole('region', { name: 'Samples per second, figures' });
    await page.locator('figure', { hasText: 'Samples per second' }).first().locator('summary').click();
    expect(await table.getByRole('row').nth(2).textContent()).toMatch(/^21500 \(1463–1538\)/);
    expect(await page.getByRole('img', { name: /^2 × wasm, batch 64: 42\.\d+ ms, compute 80\.0 %/ }).count()).toBe(1);
    await page.context().close();
  });

  test('text from a run stays text', async () => {
    const { page } = await open();
    expect(await page.locator('main b').count()).toBe(0);
    expect(await page.getByText('</script><b>cpu').count()).toBeGreaterThan(0);
    await page.context().close();
  });

  test('the report of one run draws its learning', async () => {
    const steps = Array.from({ length: 50 }, (_, i) => ({ step: i + 1, loss: 2 / (i + 1), samplesPerSecond: 900 + i }));
    const runFile = join(folder, 'run.html');
    const picture = renderPredictionsSvg({
      images: new Uint8Array(28 * 28).fill(128),
      imageShape: [28, 28, 1],
      labels: Uint8Array.of(1),
      probabilities: Float32Array.of(0.25, 0.75),
    });
    writeFileSync(
      runFile,
      renderRunPage({ summary: summarize(runRecord()), steps, predictions: picture }, readReportAssets()),
    );
    const { page, complaints, requests } = await open();
    await page.goto(pathToFileURL(runFile).href);
    for (const id of ['loss', 'speed', 'accuracy']) {
      expect(await coloursOf(page, `[data-chart="${id}"] canvas`)).toBeGreaterThan(20);
    }
    // Drawn although the page may load nothing, not even from itself.
    expect(await page.locator('img').evaluate((image: { readonly naturalWidth: number }) => image.naturalWidth)).toBe(
      192,
    );
    expect(await coloursOf(page, 'img')).toBeGreaterThan(5);
    expect(await accessibilityProblems(page)).toEqual([]);
    expect(complaints).toEqual([]);
    const beyondItself = requests.filter((url) => !url.startsWith('data:'));
    expect(beyondItself).toEqual([file, runFile].map((path) => pathToFileURL(path).href));
    await page.context().close();
  });

  /** Opens a page of its own and holds it to what holds for all: drawn, silent, accessible, without sideways scrolling. */
  async function checkPage(name: string, html: string, charts: readonly string[], options: BrowserContextOptions) {
    const ownFile = join(folder, `${name}.html`);
    writeFileSync(ownFile, html);
    const { page, complaints, requests } = await open({ bypassCSP: true, ...options });
    await page.goto(pathToFileURL(ownFile).href);
    expect(await page.locator('.chart canvas').count()).toBe(charts.length);
    for (const id of charts) expect(await coloursOf(page, `[data-chart="${id}"] canvas`)).toBeGreaterThan(20);
    expect(await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')).toBe(0);
    for (const unfold of await page.locator('summary').all()) await unfold.click();
    expect(await accessibilityProblems(page)).toEqual([]);
    expect(complaints).toEqual([]);
    expect(requests).toEqual([file, ownFile].map((path) => pathToFileURL(path).href));
    return page;
  }

  const table = priceRows(
    'gcp/T4/spot 2023-05 0.11',
    'gcp/T4/spot 2026-07 0.4',
    'aws/T4/on-demand 2024-01 0.526',
    'aws/T4/on-demand 2024-01 0.6',
    'aws/RTX<b>/spot undated 1',
  );
  const dark400 = { colorScheme: 'dark', viewport: { width: 400, height: 800 } } as const;

  test('the history of prices is a chart for each GPU, with dates and sources behind it', async () => {
    const histories = historiesByGpu(labelPrices(table, table));
    const html = renderPricesPage(histories, '2026-08-01', readReportAssets());
    const page = await checkPage('prices', html, ['prices-t4'], dark400);
    const rows = page.getByRole('region', { name: 'Price of one T4, figures' }).getByRole('row');
    expect(await rows.allTextContents()).toEqual([
      expect.stringContaining('source'),
      expect.stringMatching(/^gcp\/t4\/spot\$0\.112023-05.*prices\.csv$/),
      expect.stringMatching(/^aws\/t4\/on-demand\$0\.532024-01/),
      expect.stringMatching(/^aws\/t4\/on-demand\$0\.602024-01/),
      expect.stringMatching(/^gcp\/t4\/spot\$0\.402026-07/),
    ]);
    // Without a date there is nothing to draw.
    const undated = page.getByRole('region', { name: 'Prices of RTX<b>' });
    expect(await undated.getByRole('row').last().textContent()).toContain('undated');
    expect(await page.locator('.basis').textContent()).toBe('listed prices');
    await page.context().close();
  });

  test('a repriced epoch says whose seconds it took', async () => {
    const { summary } = comparedRun({ workers: [dear, dear], rate: 1000, batch: 64 });
    const costs = costOverTime(summary, labelPrices(table, table));
    const html = renderRepricedPage(summary, costs, readReportAssets());
    const page = await checkPage('repriced', html, ['cost-t4'], { colorScheme: 'light' });
    expect(await page.locator('.basis').textContent()).toBe('repriced');
    expect(await page.getByText('How long those would take was not measured').count()).toBe(1);
    await page.context().close();
  });

  test('a run that --steps cut short says which epoch is none', () => {
    const [epoch] = runRecord().epochs;
    if (epoch === undefined) throw new Error('the record has no epoch');
    const page = (cutShort: boolean) =>
      renderRunPage(
        { summary: summarize(runRecord({ epochs: [{ ...epoch, ...(cutShort && { cutShort }) }] })) },
        readReportAssets(),
      );
    expect(page(true)).toContain('<p>* cut short by --steps</p>');
    expect(page(false)).not.toContain('cut short');
  });

  test('a run with a known card shows what that cost over time, and what the run paid', async () => {
    const workers = [workerRecord({ gpu: 'gcp/t4/spot', priceUsdPerHour: 0.2 }), workerRecord({ gpu: 'mine' })];
    const summary = summarize(runRecord({ workers }));
    const cards = cardHistories([summary], table);
    const html = renderRunPage({ summary, cards }, readReportAssets());
    const page = await checkPage('card', html, ['accuracy', 'prices-t4'], dark400);
    expect(await page.locator('#prices-t4 .u-legend').textContent()).toContain('this run');
    await page.context().close();
    const compared = renderComparisonPage(
      compareRuns([{ folder: 'a', summary }]),
      readReportAssets(),
      cardHistories([summary], table),
    );
    expect(compared).toContain('What these cards cost over time');
  });

  /** Fleets whose names and figures are as long as they come. */
  function wideComparison() {
    const fast = { backend: 'tensorflow', gpu: 'aws/a100-80gb/on-demand', price: 3.4309, device: 'TensorFlow, CUDA' };
    const slow = { ...fast, gpu: 'runpod/rtx4090-24gb/spot', price: 0.000_02, speed: 0.125 };
    const formerWorkers = { costUsd: 0.01, billedUsd: 0.01, rentals: 1 };
    return compareRuns(
      [[fast], [slow], [fast, slow], [fast, slow, slow]].flatMap((workers, index) =>
        [900, 1000, 1300].map((rate) =>
          comparedRun({ workers, rate: rate * 100 * (index + 1), batch: 4096, record: { formerWorkers } }),
        ),
      ),
    );
  }
  const cut = `[...document.querySelectorAll('.scrolls, .scrolls table, .chart canvas, .bars')]
    .filter((one) => one.scrollWidth > one.clientWidth || one.getBoundingClientRect().right > document.documentElement.clientWidth)
    .map((one) => one.closest('[aria-label]')?.ariaLabel ?? one.className)`;

  test('no table is cut at the width of a screen or of paper, and nothing is left out of the print', async () => {
    const wideFile = join(folder, 'wide.html');
    writeFileSync(wideFile, renderComparisonPage(wideComparison(), readReportAssets()));
    const { page } = await open({ viewport: { width: 1280, height: 900 } });
    await page.goto(pathToFileURL(wideFile).href);
    for (const unfold of await page.locator('summary').all()) await unfold.click();
    expect(await page.getByRole('columnheader', { name: 'former workers' }).count()).toBe(2);
    expect(await page.evaluate(cut)).toEqual([]);
    // A4 less margins of 10 mm.
    await page.setViewportSize({ width: 718, height: 1000 });
    await page.emulateMedia({ media: 'print' });
    // Plots are drawn anew when the browser tells them of the new width, which is a frame later.
    await expect.poll(() => page.evaluate(cut)).toEqual([]);
    await page.context().close();
  });

  /** The rows of a screenshot, each with its pixels as 0xrrggbb. */
  async function pixelsOf(page: Page, selector: string): Promise<readonly (readonly number[])[]> {
    const { data, width, height, channels } = decode(await page.locator(selector).first().screenshot());
    const pixel = (at: number) => ((data[at] ?? 0) << 16) | ((data[at + 1] ?? 0) << 8) | (data[at + 2] ?? 0);
    return Array.from({ length: height }, (_, y) =>
      Array.from({ length: width }, (__, x) => pixel((y * width + x) * channels)),
    );
  }
  const longest = (rows: readonly (readonly number[])[], colour: number) =>
    Math.max(...rows.map((row) => row.filter((pixel) => pixel === colour).length));
  const turned = (rows: readonly (readonly number[])[]) =>
    (rows[0] ?? []).map((_, x) => rows.map((row) => row[x] ?? 0));

  test('whiskers lie and stand in the plot of time and cost, and references are drawn at a single x', async () => {
    const ownFile = join(folder, 'two.html');
    const two = [
      ...[900, 1000, 1100].map((rate) => comparedRun({ workers: [dear], rate, batch: 64 })),
      ...[1485, 1500, 1515].map((rate) => comparedRun({ workers: [dear, dear], rate, batch: 64 })),
    ];
    writeFileSync(ownFile, renderComparisonPage(compareRuns(two), readReportAssets()));
    const { page } = await open();
    await page.goto(pathToFileURL(ownFile).href);
    // --series-1 and --faint of report.css. A marker is 8 pixels wide, and letters are less.
    const [first, faint] = [0x0072b2, 0x5a636e];
    const front = await pixelsOf(page, '[data-chart="front"] canvas');
    expect(longest(front, first)).toBeGreaterThan(100);
    expect(longest(turned(front), first)).toBeGreaterThan(40);
    // Dashes of 7 pixels with gaps of 5 across the plot.
    const efficiency = await pixelsOf(page, '[data-chart="efficiency"] canvas');
    expect(longest(efficiency, faint)).toBeGreaterThan(300);
    const breakEven = await pixelsOf(page, '[data-chart="break-even"] canvas');
    expect(longest(breakEven, first)).toBeGreaterThan(300);
    await page.context().close();
  });

  test('on a phone a table shows at its edges where it continues, and scrolls by keyboard', async () => {
    const { page } = await open({ viewport: { width: 390, height: 800 }, bypassCSP: true });
    const table = page.getByRole('region', { name: 'All points' });
    const left = () => table.evaluate((one: { readonly scrollLeft: number }) => one.scrollLeft);
    /** Brightness of the blue at the left and right edge in the blank space above the heads. */
    async function edges(): Promise<readonly number[]> {
      const row = (await pixelsOf(page, '.scrolls[aria-label="All points"]'))[4] ?? [];
      return [row[1] ?? 0, row.at(-2) ?? 0].map((pixel) => pixel & 0xff);
    }
    expect(await edges()).toEqual([255, expect.toSatisfy((blue: number) => blue < 200)]);
    await table.focus();
    for (let presses = 0; presses < 3; presses++) await page.keyboard.press('ArrowRight');
    await expect.poll(left).toBeGreaterThan(60);
    await table.evaluate((one: { scrollLeft: number }) => {
      one.scrollLeft = 10_000;
    });
    await expect.poll(edges).toEqual([expect.toSatisfy((blue: number) => blue < 200), 255]);
    expect(await accessibilityProblems(page)).toEqual([]);
    await page.context().close();
  });

  test('on a phone, names without room have numbers, which the legend explains; with more room they are names', async () => {
    const wideFile = join(folder, 'phone.html');
    writeFileSync(wideFile, renderComparisonPage(wideComparison(), readReportAssets()));
    const { page, complaints } = await open({ viewport: { width: 390, height: 800 } });
    await page.goto(pathToFileURL(wideFile).href);
    const numbered = page.locator('#front .numbered li');
    expect(await numbered.count()).toBe(4);
    expect(await numbered.first().textContent()).toMatch(/^1 × a100-80gb tensorflow \+ 2 × rtx4090-24gb tensorflow/);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
    await page.setViewportSize({ width: 1280, height: 800 });
    await expect.poll(() => numbered.count()).toBe(0);
    const legend = await page.locator('#front .u-legend').textContent();
    for (const mark of ['on the front', 'cheapest', 'fastest', 'may be as fast']) expect(legend).toContain(mark);
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  test('a legend has a colon before values alone, and narrow segments no half percentages', async () => {
    const { page } = await open({ viewport: { width: 400, height: 800 } });
    const contentOf = (selector: string, pseudo: string) =>
      page.evaluate(`getComputedStyle(document.querySelectorAll('#throughput ${selector}')[1], '${pseudo}').content`);
    expect(await contentOf('.u-legend th', '::after')).toBe('none');
    expect(await contentOf('.u-legend .u-value', '::before')).toBe('none');
    await page.locator('#throughput .u-over').hover();
    await expect.poll(() => contentOf('.u-legend .u-value', '::before')).toBe('": "');
    const overfull = `[...document.querySelectorAll('.segment-text')]
      .filter((text) => text.getBoundingClientRect().width > text.parentElement.getBoundingClientRect().width).length`;
    expect(await page.locator('.segment-text').count()).toBeGreaterThan(10);
    expect(await page.evaluate(overfull)).toBe(0);
    await page.context().close();
  });

  test('on paper everything is unfolded, in light colours', async () => {
    const { page, complaints } = await open({ colorScheme: 'dark' });
    await page.emulateMedia({ media: 'print' });
    await expect.poll(() => page.locator('details:not([open])').count()).toBe(0);
    const ground = await page.evaluate('getComputedStyle(document.body).backgroundColor');
    expect(ground).toBe('rgb(255, 255, 255)');
    expect((await page.pdf()).length).toBeGreaterThan(20_000);
    expect(complaints).toEqual([]);
    await page.context().close();
  });
});
