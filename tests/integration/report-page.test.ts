/** Reports in a real browser: they draw, are silent on the network, and can be read without seeing or on paper. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { decode } from 'fast-png';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compareRuns } from '../../src/shared/report/comparison.ts';
import { renderComparisonPage } from '../../src/shared/report/html/comparison-page.ts';
import { readReportAssets } from '../../src/shared/report/html/report-assets.ts';
import { renderRunPage } from '../../src/shared/report/html/run-page.ts';
import { summarize } from '../../src/shared/report/summary.ts';
import { accessibilityProblems, chromiumPath, noChromium, type PageWatch, watchPage } from '../support/chromium.ts';
import { comparedRun } from '../support/compared-runs.ts';
import { runRecord } from '../support/run-records.ts';

const dear = { backend: 'wasm', price: 0.4 };
const cheap = { backend: '</script><b>cpu', price: 0.05 };
const runs = [
  ...[990, 1000, 1010].map((rate) => comparedRun({ workers: [dear], rate, batch: 64 })),
  ...[1485, 1500, 1515].map((rate) => comparedRun({ workers: [dear, dear], rate, batch: 64 })),
  ...[792, 800, 808].map((rate) => comparedRun({ workers: [dear], rate, batch: 32 })),
  comparedRun({ workers: [cheap], rate: 250, batch: 64 }),
  comparedRun({ workers: [dear, cheap], rate: 1100, batch: 64 }),
];

describe.skipIf(noChromium !== undefined)(`reports in Chromium${noChromium ? ` (${noChromium})` : ''}`, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: chromiumPath });
  });
  afterAll(() => browser?.close());

  const folder = mkdtempSync(join(tmpdir(), 'pennygrad-report-'));
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
    writeFileSync(runFile, renderRunPage(summarize(runRecord()), steps, readReportAssets()));
    const { page, complaints, requests } = await open();
    await page.goto(pathToFileURL(runFile).href);
    for (const id of ['loss', 'speed', 'accuracy']) {
      expect(await coloursOf(page, `[data-chart="${id}"] canvas`)).toBeGreaterThan(20);
    }
    expect(await accessibilityProblems(page)).toEqual([]);
    expect(complaints).toEqual([]);
    expect(requests).toEqual([file, runFile].map((path) => pathToFileURL(path).href));
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
