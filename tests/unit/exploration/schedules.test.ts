/**
 * Seeded schedules of what can befall a run, each checked against all invariants. `PENNYGRAD_SCHEDULE=SEED` runs one;
 * `PENNYGRAD_SCHEDULES=FROM:COUNT` runs others than usual.
 */
import { expect, it } from 'vitest';
import { rounds } from '../../support/thoroughness.ts';
import { violations } from './invariants.ts';
import { plainRunOf } from './plain-loop.ts';
import { drawSchedule, manySchedules, type Schedule, simpler } from './schedule.ts';
import { simulate } from './simulate.ts';

const usualCount = rounds(40, manySchedules);
const longestMs = 600_000;

async function judge(schedule: Schedule): Promise<readonly string[]> {
  return violations(await simulate(schedule), await plainRunOf(schedule.workload));
}

/** Leaves out faults one by one, as long as something stays wrong. */
async function shrink(schedule: Schedule): Promise<Schedule> {
  for (const candidate of simpler(schedule)) {
    if ((await judge(candidate)).length > 0) return shrink(candidate);
  }
  return schedule;
}

async function describeFailure(schedule: Schedule): Promise<string> {
  const smallest = await shrink(schedule);
  return [
    `PENNYGRAD_SCHEDULE=${schedule.seed} npx vitest run --project unit tests/unit/exploration/schedules.test.ts`,
    JSON.stringify(smallest),
    ...(await judge(smallest)),
  ].join('\n  ');
}

function seeds(): readonly number[] {
  const { PENNYGRAD_SCHEDULE: one, PENNYGRAD_SCHEDULES: range } = process.env;
  if (one !== undefined) return [Number(one)];
  const [from = 0, count = usualCount] = range?.split(':').map(Number) ?? [];
  return Array.from({ length: count }, (_, index) => from + index);
}

it(
  'every schedule ends in time, with every sample counted once and the parameters of a plain loop',
  async () => {
    const failures: string[] = [];
    for (const seed of seeds()) {
      const schedule = drawSchedule(seed);
      if ((await judge(schedule)).length > 0) failures.push(await describeFailure(schedule));
      if (failures.length === 3) break;
    }
    expect(failures.join('\n')).toBe('');
  },
  longestMs,
);

it('a seed gives the same run every time', async () => {
  const run = async () => {
    const { events, messages, endedAt } = await simulate(drawSchedule(7));
    return { messages, endedAt, events: events.map(({ at, event }) => [at, event.type]) };
  };
  expect(await run()).toEqual(await run());
});
