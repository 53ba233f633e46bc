/** The command line: finds the command, and turns what it throws into a line and an exit code. */
import yargs, { type Argv } from 'yargs';
import { hideBin } from 'yargs/helpers';
import { camel } from '../settings/resolve-settings.ts';
import { badInput, type PennygradError } from '../shared/core/errors.ts';
import { pennygradVersion } from '../shared/core/version.ts';
import { commands, type ListedCommand } from './commands.ts';
import { surviveHangUps } from './interruption.ts';
import { endOnLostOutput, runToExit } from './process-end.ts';
import { findWrongSwitch, yargsOptions } from './setting-flags.ts';

const args = hideBin(process.argv);

/** For errors: the command whose help lists its flags. */
const helpOf = namesOf(commands, args)
  .map((name) => ` ${name}`)
  .join('');

const cli = yargs(args)
  .scriptName('pennygrad')
  .usage('$0 <command>\n\nTrains across many workers, and tells you to the cent what each one cost.')
  .version(pennygradVersion)
  .option('verbose', { type: 'boolean', describe: 'Print more, and show where an error came from', global: true })
  .parserConfiguration({ 'parse-numbers': false, 'duplicate-arguments-array': true })
  .demandCommand(1, 'name a command, for example: pennygrad train')
  .strict()
  .recommendCommands()
  .wrap(Math.min(110, process.stdout.columns ?? 110))
  .example('$0 train', 'MNIST on two workers of this host')
  .epilogue(
    'Settings also come from PENNYGRAD_* variables (PENNYGRAD_BATCH_SIZE=32), after flags and before --config.\n\n' +
      'Exit codes: 0 done, 2 bad input, 3 run failed, 4 worker lost or deadline passed, ' +
      '5 budget reached, 130 interrupted.',
  )
  // By default yargs prints the whole help before the one line that matters.
  .fail((message, error) => {
    throw error === undefined ? wrongUsage(message) : error;
  });

for (const listed of commands) register(cli, listed);

function register(parent: Argv, { usage, summary, load, under = [] }: ListedCommand): void {
  parent.command({
    command: usage,
    describe: summary,
    // Yargs lays out the help of any command that it calls, which takes longer than all else that it does. What the help
    // does not show costs nothing.
    async builder(command: Argv, inHelp = true) {
      const { settings, examples, options } = await load();
      const wrong = findWrongSwitch(args, settings);
      if (wrong !== undefined) throw wrongUsage(wrong);
      command.options(yargsOptions(settings, inHelp));
      if (inHelp) for (const [commandLine, purpose] of examples) command.example(commandLine, purpose);
      for (const listed of under) register(command, listed);
      return options?.(command) ?? command;
    },
    async handler(argv) {
      const { settings, run } = await load();
      const { requireKnownVariables } = await import('./known-variables.ts');
      await requireKnownVariables(process.env, settings);
      await run(argv);
    },
  });
}

surviveHangUps();

endOnLostOutput();

/** The names of commands that the arguments begin with. */
function namesOf(listed: readonly ListedCommand[], [first, ...rest]: readonly string[]): readonly string[] {
  const named = listed.find(({ usage }) => usage.split(' ')[0] === first);
  return named === undefined || first === undefined ? [] : [first, ...namesOf(named.under ?? [], rest)];
}

function wrongUsage(message: string): PennygradError {
  return badInput(`${namedOnce(message)} (see pennygrad${helpOf} --help)`);
}

/** Yargs names an unknown flag of several words twice: as it was given, and as a variable would be. */
function namedOnce(message: string): string {
  const [, list] = /^Unknown arguments: (.*)$/.exec(message) ?? [];
  if (list === undefined) return message;
  const names = list.split(', ');
  const given = names.filter((name) => !names.some((other) => other !== name && camel(other) === name));
  return `Unknown argument${given.length === 1 ? '' : 's'}: ${given.join(', ')}`;
}

await runToExit(async () => {
  try {
    await cli.parseAsync();
  } catch (error) {
    // Yargs throws some of its own errors past `fail`, because commands are loaded when they are called.
    throw error instanceof Error && error.name === 'YError' ? wrongUsage(error.message) : error;
  }
}, args);
