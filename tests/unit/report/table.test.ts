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

test('a terminal gets what fits, and the names of what does not', () => {
  expect(plain(60)).not.toContain('xxx');
  expect(plain(60)).toContain('\n no room here for: note (a pipe');
  expect(plain(60)).toContain('us-central1');
  expect(plain(20)).not.toContain('us-central1');
  expect(plain(20).replaceAll(/\s+/g, ' ')).toContain('no room here for: region, note (a pipe');
  for (const width of [60, 100])
    for (const line of plain(width).split('\n')) expect(line.length).toBeLessThanOrEqual(width);
});
