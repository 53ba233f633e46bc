/** How a process of the command line ends: its exit code, the line that says why, and an output that nobody takes. */
import { exitCodeOf, exitCodes, messageOf, PennygradError } from '../shared/core/errors.ts';
import { printable } from '../shared/core/printable.ts';
import { loseReader } from './interruption.ts';

/** For how long an interrupted command that is still waiting for something lives on. */
const lastWordsMs = 500;

/**
 * When the reader of the output is gone (`| head`, a closed terminal), a run stops as at Ctrl-C; other commands exit. A disk
 * that is full is no reader that is gone: the command has failed, and says so.
 */
export function endOnLostOutput(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.once('error', (error: NodeJS.ErrnoException) => {
      stream.on('error', () => {});
      if (error.code !== 'EPIPE' && error.code !== 'EIO') {
        console.error(`pennygrad: the output cannot be written: ${error.message}`);
        process.on('exit', (code) => {
          if (code === exitCodes.done || code === exitCodes.interrupted) process.exitCode = exitCodes.runFailed;
        });
      }
      // A command that has already ended keeps its exit code.
      if (!loseReader()) process.exit(process.exitCode ?? exitCodes.runFailed);
    });
  }
}

/**
 * Runs a command. What it throws becomes a line and an exit code.
 * @param args of the command line, which may ask for more than a line
 */
export async function runToExit(run: () => void | Promise<void>, args: readonly string[]): Promise<void> {
  try {
    await run();
    // Whoever reads the output may have had enough of it (`| head -1`). The command has done its work all the same.
    process.exitCode ??= exitCodes.done;
  } catch (error) {
    const known = error instanceof PennygradError;
    const text = known ? messageOf(error) : `unexpected error: ${messageOf(error)} (--verbose shows where)`;
    console.error(`pennygrad: ${printable(text)}`);
    if (args.includes('--verbose')) console.error(error);
    process.exitCode = exitCodeOf(error);
    // Interrupted work may still be waiting for the network, and nobody waits for that. What was sent last has the time to
    // leave: `process.exit()` would end ZeroMQ's threads with it.
    if (process.exitCode === exitCodes.interrupted) setTimeout(() => process.exit(), lastWordsMs).unref();
  }
}
