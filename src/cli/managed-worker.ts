/**
 * A worker that this program has started: its flags were written by `argumentsOf`, so they need no parser for what people type,
 * which would take a tenth of the start of a worker. Whatever else there is goes the usual way.
 */
import { argumentsIn } from '../settings/resolve-settings.ts';
import { workerSettings } from '../settings/worker-settings.ts';
import { workerCommand } from './commands/worker-command.ts';
import { surviveHangUps } from './interruption.ts';
import { endOnLostOutput, runToExit } from './process-end.ts';

const [, , name = '', ...args] = process.argv;
const flags = argumentsIn(workerSettings, args);

if (flags === undefined) await import('./program.ts');
else {
  surviveHangUps();
  endOnLostOutput();
  await runToExit(() => workerCommand.run({ _: [name], $0: 'pennygrad', ...flags }), args);
}
