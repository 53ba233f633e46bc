import { expect, test } from 'vitest';
import { type Column, renderTable } from '../../../src/report/terminal/table.ts';

interface Row {
  readonly name: string;
  readonly region: string;
  readonly note: string;
}

const columns: readonly Column<Row>[] = [
  { head: 'name', cell: ({ name }) => name, align: 'left' },
  { head: 'region', cell: ({ region }) => region, align: 'left', expendable: 1 },
  { head: 'note', cell: ({ note }) => note, align: 'left', expendable: 2 },
];
const rows: readonly Row[] = [{ name: 'gcp/t4/spot', region: 'us-central1', note: 'x'.repeat(300) }];
const plain = (width: number) => renderTable(columns, rows, { columns: width, paint: (_, text) => text });

test('a pipe gets every column, however wide', () => {
  const text = plain(Number.POSITIVE_INFINITY);
  expect(text).toContain('x'.repeat(300));
  expect(text).not.toContain('no room');
});

test('as many rows as a ledger may have workers are laid out in a moment, and none is lost', () => {
  const many = Array.from({ length: 150_000 }, (_, index) => ({ name: `w${index}`, region: 'r', note: '' }));
  const lines = renderTable(columns, many, { columns: 80, totals: 1, paint: (_, text) => text }).split('\n');
  // The heads, two rules, and no note of columns that were left out.
  expect(lines).toHaveLength(many.length + 3);
  expect([lines[2], lines.at(-2), lines.at(-1)]).toEqual([' w0        r', ' ───────   ──────   ────', ' w149999   r']);
});

test('columns stand below each other, whatever is painted and however wide its characters are', () => {
  const two: readonly Column<readonly string[]>[] = [
    { head: 'a', cell: ([text = '']) => text, align: 'left' },
    { head: 'b', cell: ([, text = '']) => text },
  ];
  const cells = [
    ['東京', '1'],
    ['\u001b[32mok\u001b[39m', '10'],
  ];
  expect(renderTable(two, cells, { columns: 80, paint: (_, text) => text }).split('\n')).toEqual([
    ' a       b',
    ' ────   ──',
    ' 東京    1',
    ' \u001b[32mok\u001b[39m     10',
  ]);
});

test('a terminal gets what fits, and the names of what does not', () => {
  expect(plain(60)).not.toContain('xxx');
  expect(plain(60)).toContain('\n no room here for: note (a pipe');
  expect(plain(60)).toContain('us-central1');
  expect(plain(20)).not.toContain('us-central1');
  expect(plain(20).replaceAll(/\s+/g, ' ')).toContain('no room here for: region, note (a pipe');
  for (const width of [60, 100])
    for (const line of plain(width).split('\n')) expect(line.length).toBeLessThanOrEqual(width);
});
