/** Who takes part in a run, what becomes of it without them, how long it waits for them, and what they cost by default. */
import { z } from 'zod';
import { fleetSize, formatFleetSize } from './fleet-size.ts';
import { between, bindAddress, choice, usdPerHour } from './schemas.ts';
import type { Parsed, Setting, SettingsTable } from './setting.ts';

/** What a run does when it loses a worker. */
export const lossPolicies = ['continue', 'wait', 'fail'] as const;

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
