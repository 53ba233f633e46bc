/** The files of the live page in the build. */
import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';

const built = new URL('../../', import.meta.url);

/** The files that may be requested, by path in the build: modules must keep the paths by which they import each other. */
const publicFiles = new Set([
  ...['index.html', 'page.css', 'icon.svg'].map((name) => `live-page/${name}`),
  ...['chart', 'chart-scale', 'connection', 'data-tables', 'elements', 'event-log', 'figures', 'learning-charts'].map(
    (name) => `live-page/${name}.js`,
  ),
  ...['live-page/main.js', 'live-page/worker-rows.js'],
  ...['shared/protocol/live/live-changes.js', 'shared/protocol/live/live-state.js', 'shared/core/number-format.js'],
]);

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** The page may only make requests to the server that it came from, and no other page may frame it. */
const headers = {
  'content-security-policy': "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
};

export interface PageFile {
  readonly contentType: string;
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

/** @returns undefined when the path is not one of the page's */
export async function readPageFile(path: string): Promise<PageFile | undefined> {
  const name = path === '/' ? 'live-page/index.html' : path.slice(1);
  if (!publicFiles.has(name)) return undefined;
  const contentType = contentTypes[extname(name)] ?? 'application/octet-stream';
  return { contentType, headers, body: await readFile(new URL(name, built)) };
}
