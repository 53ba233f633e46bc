/** Who takes part in a run, what becomes of it without them, how long it waits for them, and what they cost by default. */
import { z } from 'zod';
import { fleetSize, formatFleetSize } from './fleet-size.ts';
import { between, bindAddress, choice, usdPerHour } from './schemas.ts';
import type { Parsed, Setting, SettingsTable } from './setting.ts';

/** What a run does when it loses a worker. */
export const lossPolicies = ['continue', 'wait', 'fail'] as const;

/** No worker is a straggler below this ratio of what a sample takes it to what it takes the others. */
export const leastSlowdown = 1.5;
const mostSlowdown = 1000;
const slowdown = `a number of times from ${leastSlowdown} to ${mostSlowdown}, like 3x, or none`;

/** `3x`, or just 3; undefined for none. */
const slowdownLimit = z.union([z.number(), z.string()], slowdown).transform((given, context): number | undefined => {
  if (given === 'none') return undefined;
  const limit = between(leastSlowdown, mostSlowdown).safeParse(String(given).replace(/x$/, '')).data;
  if (limit !== undefined) return limit;
  context.addIssue({ code: 'custom', message: slowdown });
  return z.NEVER;
});

export const membershipSettings = {
  workers: {
    type: 'string',
    describe:
      'World size: how many workers share each step; as MIN:MAX, up to MAX workers, and never fewer than MIN (see --on-loss)',
    defaultText: '2',
    schema: fleetSize.default({ min: 2, max: 2 }),
    format: formatFleetSize,
  },
  onLoss: {
    type: 'string',
    describe:
      'What a run does when it loses a worker. continue: go on with the others while at least MIN are left; below MIN, wait ' +
      'for a replacement until 0.8 of --timeout has passed, then write a checkpoint and exit with code 4. wait: wait as ' +
      'long for a replacement first, then do as continue does. fail: end at once, with a checkpoint',
    defaultText: 'continue',
    schema: choice(lossPolicies).default('continue'),
  },
  dropStragglers: {
    type: 'string',
    describe:
      'Let go a worker that lastingly takes so many times as long (1.5 to 1000) for a sample as the others, like 3x, however ' +
      'small its share is. Needs --workers MIN:MAX, and never leaves fewer than MIN. none: keep all. Without it, workers that are all ' +
      'alike wait for a slow one, unless --balance on gives it a smaller share',
    defaultText: 'none',
    schema: slowdownLimit.optional(),
    format: (limit) => `${limit}x`,
  },
  timeout: {
    type: 'string',
    describe: 'Seconds to wait for workers to join, or for a silent worker, before the run fails',
    defaultText: '30',
    schema: between(1, 86_400).default(30),
  },
  price: {
    type: 'string',
    describe: 'Price of a worker in USD per hour; none: no price, and none is assumed',
    defaultText: 'assumed, by what it computes on',
    schema: z.union([z.literal('none'), usdPerHour], 'a number of at least 0, or none').optional(),
  },
} as const satisfies SettingsTable;

/** Where the coordinator listens. */
export const bindSetting = {
  type: 'string',
  describe: 'Address that workers connect to: tcp://ADDRESS:PORT; port * picks a free one',
  defaultText: 'tcp://127.0.0.1:5555',
  schema: bindAddress.default('tcp://127.0.0.1:5555'),
} as const satisfies Setting;

export type MembershipConfig = Parsed<typeof membershipSettings>;
export type LossPolicy = MembershipConfig['onLoss'];
