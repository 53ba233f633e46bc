import type { ArgumentsCamelCase, Argv } from 'yargs';

/** What a command takes and does. Its name and summary are in `commands.ts`, so that listing commands loads none. */
export interface Command {
  options(command: Argv): Argv;
  run(argv: ArgumentsCamelCase): void | Promise<void>;
}
