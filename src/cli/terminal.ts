/** The terminal this process writes to. */
import { styleText } from 'node:util';

/** Colours are for terminals only; `NO_COLOR` (https://no-color.org) turns them off. */
export function wantsColour(): boolean {
  return process.stdout.isTTY === true && !process.env.NO_COLOR;
}

/** Whether somebody at a terminal sees anything of this process, and can hang up. */
export function hasTerminal(): boolean {
  return process.stdout.isTTY === true || process.stderr.isTTY === true;
}

/** Infinite where the output goes to a pipe or a file, which get everything. */
export function terminalColumns(): number {
  return process.stdout.columns ?? Number.POSITIVE_INFINITY;
}

export function paint(format: Parameters<typeof styleText>[0], text: string): string {
  return wantsColour() ? styleText(format, text) : text;
}
