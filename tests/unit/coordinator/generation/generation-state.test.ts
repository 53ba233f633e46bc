import { expect, it } from 'vitest';
import { beginGenerationState, takeUsage } from '../../../../src/coordinator/generation/generation-state.ts';
import { nothingUsed } from '../../../support/nothing-used.ts';

it('a generation begins with members that do nothing and have used nothing', () => {
  const state = beginGenerationState(3, 2, 100);
  const idle = { activity: 'idle', since: 100, usage: nothingUsed, usageAt: 100, told: nothingUsed };
  expect(state).toEqual({
    number: 3,
    members: [idle, idle],
    attempts: new Map(),
    assignedSteps: 0,
    appliedSteps: undefined,
    isAborted: false,
    requests: new Map(),
    requestCount: 0,
  });
  expect(takeUsage(state)).toEqual({ state, told: [] });
});
