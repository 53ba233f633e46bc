import type { ArgumentsCamelCase, Argv } from 'yargs';
import type { SettingsTable } from '../settings/setting.ts';

/** What a command takes and does. Its name and summary are in `commands.ts`, so that listing commands loads none. */
export interface Command {
  /** Its flags, which are also variables. */
  readonly settings: SettingsTable;
  /** For the help: a command line, in which `$0` is the program's name, and what it is for. */
  readonly examples: readonly (readonly [commandLine: string, purpose: string])[];
  /** Adds what is no setting. */
  options?(command: Argv): Argv;
  run(argv: ArgumentsCamelCase): void | Promise<void>;
}
