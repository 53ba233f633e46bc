/** A report as one HTML file. */
import type { Basis } from '../../economics/comparison/marginal.ts';
import type { Chart } from './chart.ts';
import { escapeHtml, scriptJson } from './markup.ts';
import type { ReportAssets } from './report-assets.ts';

export interface Page {
  readonly title: string;
  readonly lead: string;
  /** How the figures of the page were obtained. */
  readonly basis: Basis | 'repriced' | 'listed prices';
  readonly body: readonly string[];
  /** The charts whose elements are in the body. */
  readonly charts: readonly Chart[];
  readonly footer: string;
}

/** A report must never request anything from the network. Pictures are part of the file. */
const policy =
  "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'";

export function renderPage({ title, lead, basis, body, charts, footer }: Page, { css, js }: ReportAssets): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${css}</style>
</head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
<p class="lead"><span class="basis">${basis}</span> ${escapeHtml(lead)}</p>
${body.filter((part) => part !== '').join('\n')}
</main>
<footer><p>${escapeHtml(footer)}</p></footer>
<script type="application/json" id="charts">${scriptJson(charts)}</script>
${js.map((code) => `<script>${code}</script>`).join('\n')}
</body>
</html>
`;
}
