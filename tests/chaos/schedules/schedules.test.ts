/**
 * Seeded schedules of kills, freezes, notices and joins, with real processes. A few in `npm test`; `npm run test:chaos --
 * --count 300 --seed 1` plays as many as it is told to, and names the seeds of those that fail.
 */
import { afterEach, describe, it } from 'vitest';
import { writeIdxFolder } from '../../support/idx-folder.ts';
import { killAll } from '../../support/pennygrad.ts';
import { playSchedule } from './play-schedule.ts';
import { describeSchedule, drawSchedule } from './schedule.ts';

/** Set by `run-schedules.mjs`. */
const count = Number(process.env.PENNYGRAD_TEST_SCHEDULES ?? 2);
const firstSeed = Number(process.env.PENNYGRAD_TEST_SCHEDULE_SEED ?? 1);

const images = 12_000;
const setting = { dataset: writeIdxFolder(images, 100), images, epochs: 5, batch: 48 };

afterEach(killAll);

describe('a run of real processes goes on, and counts each sample once,', { timeout: 120_000 }, () => {
  const schedules = Array.from({ length: count }, (_, index) => drawSchedule(firstSeed + index));
  it.each(schedules.map((schedule) => [describeSchedule(schedule), schedule] as const))('%s', (_, schedule) =>
    playSchedule(schedule, setting),
  );
});
