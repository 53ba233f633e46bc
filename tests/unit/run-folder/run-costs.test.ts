import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { byCategory } from '../../../src/economics/ledger/ledger.ts';
import { findRuns } from '../../../src/run-folder/find-runs.ts';
import { describeDamage } from '../../../src/run-folder/ledger-line.ts';
import { totalCosts } from '../../../src/run-folder/total-costs.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

/** The account of a worker at $36 an hour, a cent a second, all of which it computes. */
function account(worker: string, seconds: number, more: Readonly<Record<string, unknown>> = {}) {
  const nothing = byCategory(() => 0);
  const usd = seconds / 100;
  return {
    cause: 'interim',
    time: '2026-11-01T00:00:00Z',
    worker,
    rank: 0,
    step: seconds,
    samples: seconds,
    run_seconds: seconds,
    alive_seconds: seconds,
    price_usd_per_hour: 36,
    price_since: '2026-11-01T00:00:00Z',
    seconds: { ...nothing, compute: seconds },
    usd: { ...nothing, compute: usd },
    cost_usd: usd,
    billed_usd: usd,
    ...more,
  };
}

/** What a run with this ledger cost, and what is said of it. */
async function costsOf(...lines: readonly unknown[]) {
  const folder = join(temporaryFolder(), 'run');
  mkdirSync(folder);
  const text = lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('');
  writeFileSync(join(folder, 'ledger.jsonl'), text);
  const { tally, problems } = await totalCosts(
    { runs: [{ folder, runId: 'run' }], copies: [], problems: [] },
    { nowUnixMs: Date.parse('2026-11-02T00:00:00Z') },
  );
  return { tally, usd: tally.total().costUsd, problems: problems.map((problem) => problem.replace(`${folder}: `, '')) };
}

describe('a line', () => {
  test.each([
    ['cost_usd', 1e308],
    ['billed_usd', 2.8e9],
    ['alive_seconds', 1.001e9],
    ['run_seconds', 1.001e9],
    ['price_usd_per_hour', 10_001],
    ['seconds', { ...account('w', 1).seconds, wait: 1.001e9 }],
    ['usd', { ...account('w', 1).usd, wait: 2.8e9 }],
  ])('with more %s than a run can have is damaged: sums stay finite', async (field, value) => {
    const { usd, problems } = await costsOf(account('w0', 5), account('w0', 6, { [field]: value }), account('w1', 6));
    expect(usd).toBeCloseTo(0.11, 12);
    expect(problems).toEqual([
      'ledger.jsonl had damaged lines, which are left out: 2; the bill lacks the last 1.0 s of w0',
    ]);
  });

  test('with the most that a run can have counts', async () => {
    const most = { cost_usd: 1e13 / 3600, price_usd_per_hour: 10_000 };
    const { usd, problems } = await costsOf(account('w0', 1e9, most));
    expect([usd, problems]).toEqual([1e13 / 3600, []]);
  });

  test.each([
    ['cost_usd', 0.04],
    ['billed_usd', 0.04],
    ['alive_seconds', 4],
    ['seconds', { ...account('w', 1).seconds, compute: 4 }],
    ['usd', { ...account('w', 1).usd, compute: 0.04 }],
  ])('whose %s has fallen is named, and no day costs less than nothing', async (field, value) => {
    const later = { time: '2026-11-02T00:00:00Z', [field]: value };
    const { tally, usd, problems } = await costsOf(account('w0', 5), account('w0', 6, later), account('w0', 8));
    expect(usd).toBeCloseTo(0.08, 12);
    expect(tally.parts('day').map(({ day }) => day)).toEqual(['2026-11-01']);
    expect(problems).toEqual(['ledger.jsonl has totals that fall, and the lines in which they do are left out: 2']);
  });

  test('may have fewer samples than the one before: those of lost steps do not count', async () => {
    const { tally, problems } = await costsOf(account('w0', 5), account('w0', 6, { samples: 3 }));
    expect([tally.total().samples, problems]).toEqual([3, []]);
  });
});

describe('damage', () => {
  test('of every line leaves nothing to count, and does not call the bill complete', async () => {
    const { usd, problems } = await costsOf('{}', 'not JSON');
    expect(usd).toBe(0);
    expect(problems).toEqual([
      'ledger.jsonl had damaged lines, which are left out: 1 to 2; no line is whole, so nothing could be read',
    ]);
  });

  test('in the ledger of very many workers names a few of them', () => {
    const last = new Map(Array.from({ length: 150_000 }, (_, index) => [`w${index}`, index] as const));
    expect(describeDamage([[7, 7]], last)).toBe(
      'ledger.jsonl had damaged lines, which are left out: 7; the bill lacks the last 149999.0 s of w0, ' +
        '149998.0 s of w1, 149997.0 s of w2, 149996.0 s of w3, 149995.0 s of w4, and of 149994 more workers',
    );
  });
});

describe('a summary', () => {
  test.each([
    ['[]', (file: string) => writeFileSync(file, '[]')],
    ['null', (file: string) => writeFileSync(file, 'null')],
    ['cut off', (file: string) => writeFileSync(file, '{"run_id": "a')],
    ['a folder', (file: string) => mkdirSync(file)],
    ['a link to itself', (file: string) => symlinkSync('summary.json', file)],
  ])('that is %s is named, and the ledger counts', async (_, make) => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'ledger.jsonl'), `${JSON.stringify(account('w0', 5))}\n`);
    make(join(folder, 'summary.json'));
    const found = { runs: [{ folder, runId: 'run' }], copies: [], problems: [] };
    const { tally, problems } = await totalCosts(found, { nowUnixMs: Date.parse('2026-11-02T00:00:00Z') });
    expect(tally.total().costUsd).toBeCloseTo(0.05, 12);
    expect(problems).toEqual([expect.stringMatching(/summary\.json: ./)]);
  });
});

describe('of copies of a run', () => {
  const lineOf = (seconds: number, step = seconds) => `${JSON.stringify(account('w0', seconds, { step }))}\n`;
  const common = [1, 2, 3].map((seconds) => lineOf(seconds)).join('');
  const many = Array.from({ length: 2000 }, (_, index) => lineOf(4 + index)).join('');

  async function problemsOf(ledgers: Readonly<Record<string, string>>) {
    const root = temporaryFolder();
    for (const [name, ledger] of Object.entries(ledgers)) {
      mkdirSync(join(root, name));
      writeFileSync(join(root, name, 'config.json'), JSON.stringify({ run_id: 'same' }));
      writeFileSync(join(root, name, 'ledger.jsonl'), ledger);
    }
    const { problems } = await totalCosts(findRuns([root]), { nowUnixMs: Date.parse('2026-11-02T00:00:00Z') });
    return problems.map((problem) => problem.replaceAll(`${root}/`, ''));
  }

  test.each([
    ['the same', common, common],
    ['the beginning, cut off', common + lineOf(4), `${common}{"cau`],
    ['nothing', common, ''],
  ])('one that has %s lacks nothing', async (_, longer, shorter) => {
    expect(await problemsOf({ a: longer, b: shorter })).toEqual(['b: a copy of a, run same; not counted']);
  });

  test.each([
    ['one line', common + lineOf(4) + lineOf(5), common + lineOf(4, 5), '1'],
    ['every line', common + lineOf(4), `${lineOf(1, 2)}${lineOf(2)}`, '2'],
    // Longer than a piece that is read at once.
    ['very many lines', common + lineOf(3, 4) + many, common + many, '2,000'],
  ])('one in which %s differs is said to', async (_, longer, shorter, count) => {
    expect(await problemsOf({ a: longer, b: shorter })).toEqual([
      'b: a copy of a, run same; not counted',
      `b: went on differently than a; the last lines of its ledger, ${count}, are left out`,
    ]);
  });
});
