/** The files that a run leaves when it ends. */
import type { Summary } from '../../economics/record/summary.ts';
import type { Predictions } from '../../report/predictions/predictions.ts';
import { renderPredictionsSvg } from '../../report/predictions/predictions-svg.ts';
import { messageOf, PennygradError } from '../../shared/core/errors.ts';
import type { RunFolder } from './run-folder.ts';

/** @returns what went wrong: a full disk must not take the summary from the terminal as well */
export function writeResults(
  folder: RunFolder,
  summary: Summary,
  predictions: Predictions | undefined,
): PennygradError | undefined {
  return errorOf(() => {
    folder.flush();
    folder.write('summary.json', `${JSON.stringify(summary, null, 2)}\n`);
    if (predictions !== undefined) folder.write('predictions.svg', renderPredictionsSvg(predictions));
  });
}

/** What `write` throws, if it does. */
export function errorOf(write: () => void): PennygradError | undefined {
  try {
    write();
    return undefined;
  } catch (error) {
    return error instanceof PennygradError
      ? error
      : new PennygradError('run-failed', messageOf(error), { cause: error });
  }
}
