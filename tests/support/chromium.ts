/** A real browser for the live page: the one that the system has. */
import axe from 'axe-core';
import { type Browser, chromium, type Page } from 'playwright-core';
import { chromiumPath } from './machine-parts.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** Starts it with folders of its own, so that it leaves nothing in the user's. */
export function launchChromium(): Promise<Browser> {
  const folder = temporaryFolder();
  return chromium.launch({
    executablePath: chromiumPath,
    env: { ...process.env, XDG_CACHE_HOME: folder, XDG_CONFIG_HOME: folder },
  });
}

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
