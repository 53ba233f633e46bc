/** The settings of a run, which `train` and `coordinator` share. */
import { budgetSettings } from './budget-settings.ts';
import { dataSettings } from './data-settings.ts';
import { membershipSettings } from './membership-settings.ts';
import { observabilitySettings } from './observability-settings.ts';
import { folderSettings, printSettings } from './output-settings.ts';
import type { Parsed, SettingsTable } from './setting.ts';
import { trainingSettings } from './training-settings.ts';

/** The settings by subject. Each part of a run is handed the group that it uses. */
const groups = {
  membership: membershipSettings,
  data: dataSettings,
  training: trainingSettings,
  budget: budgetSettings,
  observability: observabilitySettings,
  folder: folderSettings,
  print: printSettings,
} as const satisfies Readonly<Record<string, SettingsTable>>;

/** The same settings in one table, as users name them. */
export const runSettings = {
  ...membershipSettings,
  ...dataSettings,
  ...trainingSettings,
  ...budgetSettings,
  ...observabilitySettings,
  ...folderSettings,
  ...printSettings,
} as const satisfies SettingsTable;

export type RunSettings = Parsed<typeof runSettings>;

/** The values by subject. */
export type RunConfig = { readonly [Group in keyof typeof groups]: Parsed<(typeof groups)[Group]> };

/** Sorts the values by subject. Settings that only the command has are left out. */
export function bySubject(settings: RunSettings): RunConfig {
  const values: Readonly<Record<string, unknown>> = settings;
  const grouped = Object.entries(groups).map(([subject, table]) => [
    subject,
    Object.fromEntries(Object.keys(table).map((key) => [key, values[key]])),
  ]);
  return Object.fromEntries(grouped) as RunConfig;
}
