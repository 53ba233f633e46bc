/** The settings of a run as they are when nothing is said, and what a test changes of them. */
import { type BudgetConfig, budgetSettings } from '../../src/settings/budget-settings.ts';
import { type MembershipConfig, membershipSettings } from '../../src/settings/membership-settings.ts';
import { resolveSettings } from '../../src/settings/resolve-settings.ts';
import { type TrainingConfig, trainingSettings } from '../../src/settings/training-settings.ts';

export function trainingConfig(changes: Partial<TrainingConfig> = {}): TrainingConfig {
  return { ...resolveSettings(trainingSettings, {}, {}, undefined), ...changes };
}

export function membershipConfig(changes: Partial<MembershipConfig> = {}): MembershipConfig {
  return { ...resolveSettings(membershipSettings, {}, {}, undefined), ...changes };
}

export function budgetConfig(changes: Partial<BudgetConfig> = {}): BudgetConfig {
  return { ...resolveSettings(budgetSettings, {}, {}, undefined), ...changes };
}
