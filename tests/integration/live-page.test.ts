/** The live page in a real browser, beside real runs. */
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { formatPercent, formatUsd } from '../../src/shared/core/number-format.ts';
import { accessibilityProblems, launchChromium, type PageWatch, watchPage } from '../support/chromium.ts';
import { writeIdxFolder } from '../support/idx-folder.ts';
import { needs } from '../support/machine-parts.ts';
import { childrenOf, killAll, type Running, start } from '../support/pennygrad.ts';
import { readSummary } from '../support/run-folder.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const folder = temporaryFolder();
const dataset = writeIdxFolder(2_000, 200);

function train(name: string, ...args: readonly string[]): Running {
  return start([
    ...['train', '--dataset', dataset, '--model', 'mlp', '--price', '3600', '--out', join(folder, name)],
    ...args,
  ]);
}

const { describe } = await needs('chromium');

describe('the live page', () => {
  let browser: Browser;
  let page: Page;
  let watch: PageWatch;
  let origin = '';
  /** Complaints before the first run ended: after that the browser cannot reach anybody, and says so. */
  let complaints: readonly string[] = [];
  const stepsSeen = new Set<string>();
  const costsSeen: number[] = [];
  const accessibility: Record<string, readonly string[]> = {};

  const text = async (selector: string) => (await page.locator(selector).textContent()) ?? '';
  const status = (pattern: RegExp) =>
    expect.poll(() => text('#status'), { timeout: 60_000, interval: 50 }).toMatch(pattern);

  beforeAll(async () => {
    browser = await launchChromium();
    page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    watch = watchPage(page);
    const first = train('first', '--epochs', '40', '--metrics-port', '0');
    [, origin = ''] = await first.waitFor(/live page at (http:\S+)\//);
    await page.goto(origin);
    while (!/^(Finished|Failed)/.test(await text('#status'))) {
      const note = await text('#progress-note');
      stepsSeen.add(note);
      const cost = Number((await text('#cost')).replace('$', ''));
      if (cost > 0) costsSeen.push(cost);
      if (stepsSeen.size === 3) accessibility.training = await accessibilityProblems(page);
      complaints = [...watch.complaints];
      await page.evaluate(`new Promise((resolve) => {
        const text = (id) => document.getElementById(id).textContent;
        const look = () => {
          if (text('progress-note') === ${JSON.stringify(note)} && !/^(Finished|Failed)/.test(text('status'))) return;
          changes.disconnect();
          resolve();
        };
        const changes = new MutationObserver(look);
        changes.observe(document.body, { subtree: true, childList: true, characterData: true });
        look();
      })`);
    }
    expect((await first.exit).code).toBe(0);
  });
  afterAll(async () => {
    killAll();
    await browser?.close();
  });

  it('followed the run', () => {
    expect(stepsSeen.size).toBeGreaterThan(5);
  });

  it('ends with what the summary says', async () => {
    const summary = readSummary(join(folder, 'first'));
    expect(await text('#status')).toMatch(/^Finished/);
    expect(await text('#progress')).toBe('epoch 40/40');
    expect(await text('#accuracy')).toBe(formatPercent(summary.test_accuracy ?? Number.NaN, 2));
    // To the cent of some dollars, with what the workers cost until their processes were gone.
    await expect.poll(() => text('#cost')).toBe(formatUsd(summary.cost_usd_total));
    expect(await page.locator('#workers tr td:last-child').allTextContents()).toEqual(
      summary.workers.map(({ cost_usd }) => formatUsd(cost_usd)),
    );
    expect(costsSeen.length).toBeGreaterThan(5);
    expect(costsSeen).toEqual(costsSeen.toSorted((a, b) => a - b));
    expect(await text('#cost-note')).toMatch(/^\$7,200\.00\/h · \$\S+ per epoch$/);
    expect(await text('#subject')).toContain('mlp · adam · batch 64 · seed 1');
  });

  it('draws the curves, the workers with their phases, and the log', async () => {
    for (const [id, series] of [
      ['loss', 2],
      ['accuracy', 2],
      ['throughput', 1],
    ] as const) {
      const drawn = await page.locator(`#${id}-chart path`).evaluateAll((paths) => paths.map((path) => path.outerHTML));
      expect(drawn).toHaveLength(series);
      for (const path of drawn) expect(path.match(/L[\d.]+ [\d.]+/g)?.length ?? 0).toBeGreaterThan(20);
      expect(await page.locator(`#${id}-chart svg`).getAttribute('aria-label')).toMatch(
        /training from \S+ .*step 1,280/,
      );
    }
    expect(await page.locator('#accuracy-chart circle').count()).toBe(40);
    expect(await page.locator('#workers th').allTextContents()).toEqual([...['w0done', 'w1done']]);
    const widths = await page
      .locator('#workers tr:first-child .bar span')
      .evaluateAll((spans) => spans.map((span) => span.getBoundingClientRect().width));
    expect(widths).toHaveLength(4);
    expect(widths[0]).toBeGreaterThan(5);
    expect(await text('#log')).toMatch(/waiting for 2 workers.*training begins.*epoch 40 finished.*finished$/s);
  });

  it('reads a point of the curve under the pointer', async () => {
    await page.locator('#accuracy-chart svg').hover();
    expect(await text('#accuracy-chart .reading')).toMatch(/^step [\d,]+: [\d.]+ %$/);
  });

  it('has the data of the curves as tables', async () => {
    await page.locator('summary').click();
    await expect.poll(() => page.locator('#epochs tr').count()).toBe(40);
    expect(await page.locator('#points tr').count()).toBeLessThanOrEqual(20);
    expect(await text('#points tr:last-child th')).toBe('1,280');
  });

  it('complains of nothing and asks nobody else', () => {
    expect(complaints).toEqual([]);
    expect(watch.requests.length).toBeGreaterThan(10);
    expect(watch.requests.filter((url) => !url.startsWith(`${origin}/`))).toEqual([]);
  });

  it.each(['light', 'dark'] as const)('is accessible, %s', async (colorScheme) => {
    await page.emulateMedia({ colorScheme });
    expect(await accessibilityProblems(page)).toEqual([]);
  });

  it('was accessible during the run', () => {
    expect(accessibility.training).toEqual([]);
  });

  it('fits a phone, with what each worker costs', async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    // Curves are drawn anew when the browser tells them of the new width, which is a frame later.
    await expect.poll(() => page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
    const table = page.getByRole('region', { name: 'Table of workers' });
    const sideways = await table.evaluate(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth);
    expect(sideways).toBe(0);
    const edges = await table
      .getByRole('cell', { name: /^\$/ })
      .evaluateAll((cells) => cells.map((cell) => cell.getBoundingClientRect().right));
    expect(edges).toHaveLength(4);
    for (const right of edges) expect(right).toBeLessThanOrEqual(360);
    expect(await accessibilityProblems(page)).toEqual([]);
    await page.setViewportSize({ width: 1280, height: 800 });
  });

  it('takes the keyboard from the top to the bottom', async () => {
    await page.mouse.click(1, 1);
    const visited: string[] = [];
    for (let tabs = 0; tabs < 8; tabs++) {
      await page.keyboard.press('Tab');
      visited.push(
        await page.evaluate<string>(`(({ activeElement: focused }) => {
          const marked = getComputedStyle(focused).outlineStyle !== 'none';
          const name = focused.getAttribute('aria-label') || focused.id || focused.textContent;
          return name + (marked ? '' : ' (without a mark)');
        })(document)`),
      );
    }
    expect(visited).toEqual([
      ...['Skip to the figures', 'Table of workers', 'log', 'Data behind the curves', 'Epochs', 'Training steps'],
      ...['Metrics', 'Health'],
    ]);
  });

  it('shows the next run on the port, and how it failed', async () => {
    const second = train(
      'second',
      '--epochs',
      '1000',
      '--on-loss',
      'fail',
      '--seed',
      '2',
      '--metrics-port',
      new URL(origin).port,
    );
    await status(/^Training, epoch \d+ of 1,000/);
    expect(await text('#subject')).toContain('seed 2');
    expect(await text('#log')).not.toContain('epoch 40 finished');
    const [, victim = 0] = childrenOf(second.child.pid ?? 0);
    process.kill(victim, 'SIGKILL');
    await status(/^Failed: worker w[01] /);
    expect((await second.exit).code).toBe(4);
    expect(await text('#status')).toContain(readSummary(join(folder, 'second')).reason);
    expect(await page.locator('#status').getAttribute('data-stage')).toBe('failed');
    await status(/the next run on this port will appear here$/);
  });
});
