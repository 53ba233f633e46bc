/** Lines about a run, for people. */
import type { Progress } from '../report/terminal/progress.ts';
import type { PrintConfig } from '../settings/output-settings.ts';
import type { DownloadProgress } from '../shared/data/mirror.ts';
import { paint } from './terminal.ts';

export interface RunPrinter {
  note(line: string): void;
  /** A note that is printed only with `--verbose`. */
  detail(line: string): void;
  /** Printed to stderr where stdout is not for people, even with `--quiet`. */
  warn(line: string): void;
}

/** @param progress what the lines must not break into */
export function createRunPrinter({ json, quiet }: PrintConfig, verbose: boolean, progress: Progress): RunPrinter {
  const note = (line: string) => {
    if (!quiet) progress.log(line);
  };
  return {
    note,
    detail(line) {
      if (verbose) note(line);
    },
    warn(line) {
      if (!json && !quiet && process.stderr.isTTY) progress.log(paint('yellow', line));
      else console.error(`pennygrad: warning: ${line}`);
    },
  };
}

/** Prints a line for every tenth of a file. */
export function createDownloadNote(note: (line: string) => void): (progress: DownloadProgress) => void {
  let last = '';
  return ({ url, receivedBytes, totalBytes }) => {
    const tenth = totalBytes === undefined ? 0 : Math.floor((10 * receivedBytes) / totalBytes);
    const line = `downloading ${url}${tenth === 0 ? '' : ` ${tenth * 10} %`}`;
    if (line !== last) note(line);
    last = line;
  };
}
