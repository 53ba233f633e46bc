/** Who takes part in a run, how long the run waits for them, and what they cost by default. */
import { z } from 'zod';
import { maxWorldSize } from '../shared/protocol/limits.ts';
import { between, bindAddress, integer, usdPerHour } from './schemas.ts';
import type { Parsed, Setting, SettingsTable } from './setting.ts';

export const membershipSettings = {
  workers: {
    type: 'string',
    describe: 'World size: how many workers share each step',
    defaultText: '2',
    schema: integer(1, maxWorldSize).default(2),
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
