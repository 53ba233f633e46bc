import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { summarize } from '../../../src/economics/record/summarize.ts';
import { writeRunReport } from '../../../src/report/html/run-report.ts';
import { runRecord, workerRecord } from '../../support/run-records.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const summary = summarize(runRecord());

/** The report of a run's folder with these files beside the two lines of its steps. */
function reportWith(files: Readonly<Record<string, string>>, of = summary): string {
  const folder = join(temporaryFolder(), 'run');
  mkdirSync(folder);
  const figures = { epoch: 1, accuracy: 0.5, samples: 64, seconds: 0.01 };
  const lines = [2.3, 0.002].map((loss, index) => JSON.stringify({ type: 'step', step: index + 1, loss, ...figures }));
  writeFileSync(join(folder, 'metrics.jsonl'), `${lines.join('\n')}\n`);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  writeRunReport(folder, of, []);
  return readFileSync(join(folder, 'report.html'), 'utf8');
}

interface DrawnChart {
  readonly id: string;
  readonly y: { readonly log?: boolean };
}

describe('the report of a run', () => {
  test('draws the loss on a logarithmic axis, and nothing else of it', () => {
    const [, json = ''] = /id="charts">(.*?)<\/script>/s.exec(reportWith({})) ?? [];
    const charts = JSON.parse(json) as readonly DrawnChart[];
    expect(charts.map(({ id, y }) => [id, y.log === true])).toEqual([
      ['loss', true],
      ['speed', false],
      ['accuracy', false],
    ]);
  });

  test('has the picture of the predictions in itself, as an image, whose styles and scripts stay its own', () => {
    const svg = '<svg xmlns="http://www.w3.org/2000/svg"><style>main { display: none }</style><text>7 ✓</text></svg>';
    const page = reportWith({ 'predictions.svg': svg });
    const [, data = ''] =
      /<h2>Predictions<\/h2>\n<img [^>]*alt="[^"]+" src="data:image\/svg\+xml;base64,([^"]+)">/.exec(page) ?? [];
    expect(Buffer.from(data, 'base64').toString()).toBe(svg);
    expect(page).toContain("img-src data:; style-src 'unsafe-inline'");
    expect(page).not.toContain('main { display: none }');
  });

  test('has no such picture of a run that ended before its predictions', () => {
    expect(reportWith({})).not.toMatch(/Predictions|<img/);
  });

  test('calls an epoch extrapolated that was trained in part', () => {
    const interrupted = { epochs: [], samples: 6000, trainSeconds: 2 };
    expect(reportWith({}, summarize(runRecord(interrupted)))).toContain(
      'a whole epoch would take 20 s and $0.0011 (extrapolated from 6,000 of 60,000 samples)',
    );
    expect(reportWith({})).not.toContain('extrapolated');
  });

  test('calls a cost assumed that rests on a price that nobody gave', () => {
    const assumed = { priceAssumed: '2 vCPUs at a/b/c' };
    const workers = [workerRecord(assumed), workerRecord({ workerId: 'w1', rank: 1 })];
    const page = reportWith({}, summarize(runRecord({ workers })));
    expect(page).toContain('Partly assumed cost, by worker');
    expect(page).toContain('the price is assumed, not given: 2 vCPUs at a/b/c for w0; --price USD_PER_HOUR sets it');
    expect(reportWith({})).not.toContain('assumed');
    expect(reportWith({})).toContain('Cost, by worker');
  });
});
