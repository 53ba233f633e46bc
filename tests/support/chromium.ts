/** A real browser for the live page: the one that the system has. */
import axe from 'axe-core';
import type { Page } from 'playwright-core';

export const chromiumPath = '/usr/bin/chromium';

/** What the page asked for, and what it complained of. */
export interface PageWatch {
  readonly requests: string[];
  readonly complaints: string[];
}

export function watchPage(page: Page): PageWatch {
  const watch: PageWatch = { requests: [], complaints: [] };
  page.on('request', (request) => watch.requests.push(request.url()));
  page.on('pageerror', (error) => watch.complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') watch.complaints.push(message.text());
  });
  return watch;
}

/** What axe finds against WCAG 2.2 AA and its own best practices, in words. */
export async function accessibilityProblems(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe.source);
  const found = await page.evaluate<{ readonly id: string; readonly help: string; readonly targets: string[] }[]>(
    `axe.run().then(({ violations }) => violations.map(({ id, help, nodes }) => ({
      id, help, targets: nodes.map(({ target, failureSummary }) => target + ': ' + failureSummary),
    })))`,
  );
  return found.map(({ id, help, targets }) => `${id}: ${help}: ${targets.join('; ')}`);
}
