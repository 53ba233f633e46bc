/** What runs cost together, however they ended: the sums of `costs` against plain arithmetic on the files of real runs. */
import { appendFileSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { writeIdxFolder } from '../support/idx-folder.ts';
import { type LedgerRow, lastLedgerRows, readLedgerRows } from '../support/ledger-lines.ts';
import { killAll, run, start } from '../support/pennygrad.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const root = temporaryFolder();
const runs = join(root, 'runs');
const folders = {
  completed: join(runs, 'completed'),
  failed: join(runs, 'sweep-a', 'failed'),
  killed: join(runs, 'sweep-a', 'killed'),
  resumed: join(runs, 'resumed'),
};
const data = writeIdxFolder(640, 20);
const train = ['train', '--dataset', data, '--model', 'mlp', '--workers', '1', '--metrics-port', '0'];
const endless = [...train, '--epochs', '99999'];
let whileItRan: string;
let byRun: Printed;

type Row = Readonly<Record<string, string | number>>;
interface Printed {
  readonly by: string;
  readonly rows: readonly Row[];
  readonly total: Row;
  readonly runs: number;
  readonly problems: readonly string[];
}

async function costs(...args: readonly string[]): Promise<Printed> {
  const { stdout, code, stderr } = await run(['costs', ...args, '--json'], { cwd: root });
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout);
}

const hasLines = (folder: string, count: number) =>
  eventually(`${count} lines in the ledger`, () => readLedgerRows(folder).length >= count);

beforeAll(async () => {
  const label = ['--worker', 'gpu=gcp/t4/spot'];
  const [completed, failed] = [
    await run([...train, '--epochs', '1', ...label, '--out', folders.completed]),
    // Its loss or its gradient is no longer finite after a few steps.
    await run([
      ...train,
      '--epochs',
      '1',
      '--optimizer',
      'sgd',
      '--lr',
      '1e30',
      '--price',
      '36',
      '--out',
      folders.failed,
    ]),
  ];
  expect([completed.code, failed.code]).toEqual([0, 3]);

  const killed = start([...endless, '--worker', 'gpu=hetzner/cx/on-demand,price=3.6', '--out', folders.killed]);
  await killed.waitFor(/epoch/);
  await hasLines(folders.killed, 3);
  whileItRan = (await run(['costs', folders.killed], { cwd: root })).stdout;
  killed.child.kill('SIGKILL');
  await killed.exit;

  const interrupted = start([...endless, '--price', '36', '--out', folders.resumed]);
  await interrupted.waitFor(/epoch/);
  interrupted.child.kill('SIGINT');
  expect((await interrupted.exit).code).toBe(130);
  const step = readLedgerRows(folders.resumed).at(-1)?.step ?? 0;
  expect((await run(['train', '--resume', folders.resumed, '--steps', String(step + 20)])).code).toBe(0);
  byRun = await costs();
}, 240_000);
afterAll(killAll);

const lastRows = (folder: string) => [...lastLedgerRows(folder).values()];
const sum = (rows: readonly LedgerRow[], of: (row: LedgerRow) => number) =>
  rows.reduce((total, row) => total + of(row), 0);

describe('costs', () => {
  it('has every run with its end, and the sums of the last lines of its ledger', () => {
    const { rows, total, runs: count, problems } = byRun;
    expect(problems).toEqual([]);
    expect(count).toBe(4);
    expect(Object.fromEntries(rows.map(({ run: folder, status }) => [folder, status]))).toEqual({
      'runs/completed': 'completed',
      'runs/sweep-a/failed': 'failed',
      'runs/sweep-a/killed': 'killed',
      'runs/resumed': 'completed',
    });
    for (const row of rows) {
      const last = lastRows(join(root, String(row.run)));
      expect(row.cost_usd).toBeCloseTo(
        sum(last, ({ cost_usd }) => cost_usd),
        12,
      );
      expect(row.billed_usd).toBeCloseTo(
        sum(last, ({ billed_usd }) => billed_usd),
        12,
      );
      expect(row.alive_seconds).toBeCloseTo(
        sum(last, ({ alive_seconds }) => alive_seconds),
        9,
      );
      expect(row.samples).toBe(sum(last, ({ samples }) => samples));
      expect(row.wasted_usd).toBeCloseTo(
        sum(last, ({ usd }) => usd.wasted ?? 0),
        12,
      );
      expect(row.cost_usd).toBeGreaterThan(0);
    }
    const all = Object.values(folders).flatMap(lastRows);
    expect(total.cost_usd).toBeCloseTo(
      sum(all, ({ cost_usd }) => cost_usd),
      12,
    );
    // Hetzner bills the started hour: $3.60 for the seconds of the run that was killed.
    expect(rows.find(({ status }) => status === 'killed')?.billed_usd).toBeCloseTo(3.6, 9);
    expect(whileItRan).toMatch(/killed +\S+ +running/);
  });

  it('by provider, category and day adds up to the same', async () => {
    const { total } = byRun;
    const providers = await costs('--by', 'provider');
    for (const { rows, by } of [providers, await costs('--by', 'category'), await costs('--by', 'day')]) {
      const added = rows.reduce((all, row) => all + Number(row.cost_usd), 0);
      expect(added / Number(total.cost_usd), by).toBeCloseTo(1, 12);
    }
    const gcp = providers.rows.find(({ provider }) => provider === 'gcp');
    expect(gcp?.cost_usd).toBeCloseTo(
      sum(lastRows(folders.completed), ({ cost_usd }) => cost_usd),
      12,
    );
    expect(providers.rows.map(({ provider }) => provider).sort()).toEqual(['gcp', 'hetzner', 'none named']);
    // Nothing was spent in no time.
    expect(await costs('--since', '0m')).toMatchObject({ runs: 0, rows: [], total: { cost_usd: 0 } });
  });

  it('as a table, CSV and HTML, complete in a pipe', async () => {
    expect(whileItRan).toMatch(/^ run +run id +status +alive +samples +accrued +billed +wasted$/m);
    expect(whileItRan).toMatch(/^ total +/m);
    const page = join(root, 'costs.html');
    const csv = await run(['costs', '--csv', '--html', page], { cwd: root });
    const [head, ...lines] = csv.stdout.trim().split('\n');
    expect(head).toBe(
      'run,run_id,status,alive_seconds,samples,cost_usd,billed_usd,wasted_seconds,wasted_usd,assumed_usd,unpriced_seconds',
    );
    expect(lines).toHaveLength(4);
    const html = readFileSync(page, 'utf8');
    for (const text of ['By provider', 'By day (UTC)', 'runs/sweep-a/killed', 'none named'])
      expect(html).toContain(text);
  });

  it('names what it cannot count: a damaged ledger, a missing one, a copy', async () => {
    const other = join(root, 'other');
    mkdirSync(other);
    cpSync(folders.failed, join(other, 'damaged'), { recursive: true });
    appendFileSync(join(other, 'damaged', 'ledger.jsonl'), 'no JSON\n');
    cpSync(folders.resumed, join(other, 'lost'), { recursive: true });
    rmSync(join(other, 'lost', 'ledger.jsonl'));
    cpSync(folders.completed, join(other, 'once'), { recursive: true });
    cpSync(folders.completed, join(other, 'twice'), { recursive: true });
    const { rows, problems } = await costs(other);
    expect(rows.find(({ run: folder }) => String(folder).endsWith('damaged'))?.cost_usd).toBeCloseTo(
      sum(lastRows(folders.failed), ({ cost_usd }) => cost_usd),
      12,
    );
    expect(problems.join('\n')).toMatch(/damaged: ledger\.jsonl had damaged lines, which are left out: \d+; the bill/);
    expect(problems.join('\n')).toMatch(/lost: has no ledger\.jsonl; the \$0\.\d+ in summary\.json are not counted$/m);
    expect(problems.join('\n')).toMatch(/twice: a copy of .*once, run /);
    expect(rows).toHaveLength(3);
    expect(readdirSync(other)).toHaveLength(4);
  });

  it('beside a comparison: runs that are no measurement are named with what they cost', async () => {
    const page = join(root, 'compared.html');
    const compared = await run(
      ['compare', folders.completed, folders.killed, folders.failed, '--html', page, '--json'],
      { cwd: root },
    );
    expect(compared.code, compared.stderr).toBe(0);
    const { points, notes, unmeasured } = JSON.parse(compared.stdout);
    expect(points.flatMap((point: { runs: readonly string[] }) => point.runs)).toEqual([folders.completed]);
    const spent = [folders.killed, folders.failed].map((folder) => sum(lastRows(folder), ({ cost_usd }) => cost_usd));
    expect(unmeasured).toMatchObject([
      { folder: folders.failed, status: 'failed', cost_usd: expect.closeTo(spent[1] ?? 0, 12) },
      { folder: folders.killed, status: 'killed', cost_usd: expect.closeTo(spent[0] ?? 0, 12) },
    ]);
    const sentence = notes.find((note: string) => note.startsWith('2 runs that failed or were killed cost $'));
    expect(sentence).toContain(`${folders.killed} (killed) $`);
    expect(readFileSync(page, 'utf8')).toContain('2 runs that failed or were killed cost $');

    const alone = await run(['compare', folders.killed], { cwd: root });
    expect(alone.code).toBe(2);
    expect(alone.stderr).toMatch(
      /left no summary\.json, so nothing can be compared; pennygrad costs says what it cost/,
    );
  });

  it('repriced, each rental of a resumed run is billed by itself, and the price says what it is', async () => {
    const { stdout, code, stderr } = await run(
      ['reprice', folders.resumed, '--set', 'w0=lambda/v100/on-demand', '--on', '2026-11-01', '--json'],
      { cwd: root },
    );
    expect(code, stderr).toBe(0);
    const [first = Number.NaN, both = Number.NaN] = readLedgerRows(folders.resumed)
      .filter(({ cause }) => cause === 'end')
      .map(({ alive_seconds }) => alive_seconds);
    // Lambda bills started minutes.
    const minutes = Math.ceil(first / 60) + Math.ceil((both - first) / 60);
    const repriced = JSON.parse(stdout);
    expect(repriced.billed_usd).toBeCloseTo((minutes * 0.79) / 60, 12);
    expect(repriced.cost_usd).toBeCloseTo((both * 0.79) / 3600, 12);
    expect(repriced.prices).toMatchObject([{ label: 'lambda/v100/on-demand', usd_per_hour: 0.79, date: '~2026-09' }]);
    expect(repriced.notes[0]).toMatch(/is 1\/8 of that of 8x V100, which is rented whole; has an uncertain source/);
  });

  it('refuses a folder that is not there, and a time that is none', async () => {
    const missing = await run(['costs', 'nowhere'], { cwd: root });
    expect(missing).toMatchObject({ code: 2, stdout: '' });
    expect(missing.stderr).toBe('pennygrad: nowhere: no such folder; name folders of runs, such as runs or sweeps/a\n');
    const since = await run(['costs', '--since', 'monday'], { cwd: root });
    expect(since).toMatchObject({ code: 2 });
    expect(since.stderr).toContain(
      "--since must be a day like 2026-11-01 or a duration like 90m, 24h, 7d or 4w, got 'monday'",
    );
    const future = await run(['costs', '--since', '2999-01-01'], { cwd: root });
    expect(future).toMatchObject({ code: 2, stderr: 'pennygrad: --since 2999-01-01: has not come yet, in UTC\n' });
  });
});
