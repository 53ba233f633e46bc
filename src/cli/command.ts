import type { ArgumentsCamelCase, Argv } from 'yargs';
import type { SettingsTable } from '../settings/setting.ts';

/** What a command takes and does. Its name and summary are in `commands.ts`, so that listing commands loads none. */
export interface Command {
  /** Its flags, which are also variables. */
  readonly settings: SettingsTable;
  /** Adds examples, and what is no setting. */
  options(command: Argv): Argv;
  run(argv: ArgumentsCamelCase): void | Promise<void>;
}
