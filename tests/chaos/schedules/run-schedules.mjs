/** `npm run test:chaos -- --count 300 --seed 1`: plays that many schedules of the seeds from there on. */
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { count: { type: 'string' }, seed: { type: 'string' } } });
const count = whole('count', values.count ?? '60');
const seed = whole('seed', values.seed ?? '1');
const { status } = spawnSync('npx', ['vitest', 'run', '--project', 'unhurried', 'tests/chaos/schedules'], {
  stdio: 'inherit',
  env: { ...process.env, PENNYGRAD_TEST_SCHEDULES: String(count), PENNYGRAD_TEST_SCHEDULE_SEED: String(seed) },
});
process.exit(status ?? 1);

function whole(name, text) {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  console.error(
    `--${name} must be a whole number, got '${text}'; for example: npm run test:chaos -- --count 300 --seed 1`,
  );
  process.exit(2);
}
