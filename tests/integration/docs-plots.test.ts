/** Plots of a report saved as pictures for the documentation, by the script that a maintainer calls. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { decode } from 'fast-png';
import { expect, it } from 'vitest';
import { compareRuns } from '../../src/economics/comparison/comparison.ts';
import { renderComparisonPage } from '../../src/report/html/comparison-page.ts';
import { readReportAssets } from '../../src/report/html/report-assets.ts';
import { comparedRun } from '../support/compared-runs.ts';
import { needs } from '../support/machine-parts.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const script = fileURLToPath(new URL('../../dist/docs/save-plots.js', import.meta.url));
const folder = temporaryFolder();
const report = join(folder, 'report.html');
const wasm = { backend: 'wasm', price: 0.1 };
const runs = [1, 2, 3].map((workers) =>
  comparedRun({ workers: Array(workers).fill(wasm), rate: 1000 * workers ** 0.9, batch: 60 }),
);
writeFileSync(report, renderComparisonPage(compareRuns(runs), readReportAssets()));

const save = (args: readonly string[], env = {}) =>
  promisify(execFile)(process.execPath, [script, ...args], { env: { ...process.env, ...env } });

const { describe } = await needs('chromium');

describe('plots for pages', () => {
  it('are saved one by one, sharp and small', async () => {
    const prefix = join(folder, 'pictures', 'grid');
    const { stdout } = await save([report, prefix]);
    const names = ['throughput', 'efficiency', 'front', 'time', 'money', 'break-even'];
    expect(stdout.trim().split('\n')).toEqual(names.map((name) => `${prefix}-${name}.png`));
    expect(readdirSync(join(folder, 'pictures')).sort()).toEqual(names.map((name) => `grid-${name}.png`).sort());
    for (const name of names) {
      const bytes = readFileSync(`${prefix}-${name}.png`);
      const { width, data, channels } = decode(bytes);
      expect(width).toBeGreaterThan(1500);
      expect(width).toBeLessThanOrEqual(1660);
      expect(bytes.length).toBeLessThan(200_000);
      // White around, and something drawn.
      expect([...data.slice(0, 3)]).toEqual([255, 255, 255]);
      const colours = new Set<number>();
      for (let i = 0; i < data.length; i += channels) {
        colours.add(((data[i] ?? 0) << 16) | ((data[i + 1] ?? 0) << 8) | (data[i + 2] ?? 0));
      }
      expect(colours.size).toBeGreaterThan(50);
    }
  });

  it('fails when a plot is not drawn whole', async () => {
    const broken = join(folder, 'broken.html');
    writeFileSync(broken, '<figure id="a">a</figure><script>throw new Error("half a plot")</script>');
    await expect(save([broken, join(folder, 'broken')])).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('its plots have errors: half a plot'),
    });
  });

  it('refuses by name what has no plots', async () => {
    const empty = join(folder, 'empty.html');
    writeFileSync(empty, '<p>nothing</p>');
    await expect(save([empty, join(folder, 'x')])).rejects.toMatchObject({
      code: 2,
      stderr: `docs:plots: ${empty}: has no plots; pass a report that pennygrad wrote with --html\n`,
    });
  });
});

it('says what is missing', async () => {
  await expect(save([])).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining('usage: npm run docs:plots'),
  });
  await expect(save(['no.html', 'x'])).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining('no.html: no such file'),
  });
  await expect(save([report, 'x'], { CHROMIUM: '/no/browser' })).rejects.toMatchObject({
    code: 2,
    stderr: 'docs:plots: /no/browser is missing: apt-get install chromium, or set CHROMIUM to another browser\n',
  });
});
