import type { Usage } from '../../src/shared/protocol/messages.ts';

/** What a worker reports that has done nothing yet. */
export const nothingUsed: Usage = {
  seconds: { load: 0, compute: 0, communicate: 0, wait: 0, apply: 0, evaluate: 0, idle: 0 },
  bytes: { sent: 0, received: 0 },
};
