/** `npm run test:chaos -- --count 300 --seed 1 --jobs 2`: plays that many schedules, of the seeds from there on. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
    jobs: { type: 'string', default: '2' },
  },
});
const [count, seed, jobs] = ['count', 'seed', 'jobs'].map((name) => whole(name, values[name]));
const kept = mkdtempSync(join(tmpdir(), 'pennygrad-schedules-'));
// Not more than that are begun at once, whatever number vitest allows.
const test = ['vitest', 'run', '--project', 'unhurried', '--maxConcurrency', '1000', 'tests/chaos/schedules'];
const { status } = spawnSync('npx', test, {
  stdio: 'inherit',
  env: {
    ...process.env,
    TEST_SCHEDULES: String(count),
    TEST_SCHEDULE_SEED: String(seed),
    TEST_SCHEDULE_JOBS: String(jobs),
    TEST_SCHEDULES_KEPT: kept,
  },
});
// Only what failed is in it.
if (existsSync(kept) && readdirSync(kept).length === 0) rmdirSync(kept);
process.exit(status ?? 1);

function whole(name, text) {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  console.error(
    `--${name} must be a whole number from 1, got '${text}'; for example: npm run test:chaos -- --count 300 --seed 1`,
  );
  process.exit(2);
}
