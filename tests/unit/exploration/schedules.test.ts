/**
 * Seeded schedules of what can befall a run, each checked against all invariants. `PENNYGRAD_SCHEDULE=SEED` runs one;
 * `PENNYGRAD_SCHEDULES=FROM:COUNT` runs others than usual.
 */
import { expect, it } from 'vitest';
import { rounds } from '../../support/thoroughness.ts';
import { violations } from './invariants.ts';
import { type PlainRun, trainInPlainLoop, usualWorkload } from './plain-loop.ts';
import { drawSchedule, type Schedule, simpler } from './schedule.ts';
import { simulate } from './simulate.ts';

/** A core takes a second for some thirty to sixty. */
const usualCount = rounds(300, 1500);
const longestMs = 600_000;

async function judge(schedule: Schedule, plain: PlainRun): Promise<readonly string[]> {
  return violations(await simulate(schedule), plain);
}

/** Leaves out faults one by one, as long as something stays wrong. */
async function shrink(schedule: Schedule, plain: PlainRun): Promise<Schedule> {
  for (const candidate of simpler(schedule)) {
    if ((await judge(candidate, plain)).length > 0) return shrink(candidate, plain);
  }
  return schedule;
}

async function describeFailure(schedule: Schedule, plain: PlainRun): Promise<string> {
  const smallest = await shrink(schedule, plain);
  return [
    `PENNYGRAD_SCHEDULE=${schedule.seed} npx vitest run --project unit tests/unit/exploration/schedules.test.ts`,
    JSON.stringify(smallest),
    ...(await judge(smallest, plain)),
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
    const plain = await trainInPlainLoop(usualWorkload);
    const failures: string[] = [];
    for (const seed of seeds()) {
      const schedule = drawSchedule(seed);
      if ((await judge(schedule, plain)).length > 0) failures.push(await describeFailure(schedule, plain));
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
