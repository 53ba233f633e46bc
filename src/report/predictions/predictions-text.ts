import { formatProbability } from '../../shared/core/number-format.ts';
import type { ImageShape } from '../../shared/data/dataset.ts';
import { createPaint } from '../terminal/colour.ts';
import { listPredictions, type Prediction, type Predictions } from './predictions.ts';

/** Five images of 14 characters with gaps of 2 take 78 columns. */
const perLine = 5;
const imageColumns = 14;
const gap = '  ';
/** A pixel of at least this brightness (0 to 255) is ink. Averaging thins strokes, so the threshold is below the middle. */
const inkThreshold = 84;

/**
 * Images drawn in half-block characters, two pixels a character. Under each are the predicted class and its probability,
 * and the true class where it differs. At most 80 columns wide.
 *
 * @throws bad-input when the lengths do not fit together
 */
export function renderPredictionsText(predictions: Predictions, { colour }: { readonly colour: boolean }): string {
  const rows = listPredictions(predictions);
  const paint = createPaint(colour);
  const lines: string[] = [];
  for (let first = 0; first < rows.length; first += perLine) {
    const group = rows.slice(first, first + perLine);
    const drawings = group.map(({ pixels }) => drawImage(pixels, predictions.imageShape));
    for (let line = 0; line < (drawings[0]?.length ?? 0); line++) {
      lines.push(drawings.map((drawing) => drawing[line]).join(gap));
    }
    const captions = group.map((row) => {
      const text = caption(row).padEnd(imageColumns);
      return row.correct ? text : paint(['bold', 'red'], text);
    });
    lines.push(captions.join(gap), '');
  }
  return lines.map((line) => `${line.trimEnd()}\n`).join('');
}

function caption({ correct, label, predicted, probability }: Prediction): string {
  return correct ? `${predicted}  ${formatProbability(probability)}` : `✗ ${predicted}, is ${label}`;
}

function drawImage(pixels: Uint8Array, shape: ImageShape): readonly string[] {
  const rows = Math.round((imageColumns * shape[0]) / shape[1] / 2) * 2;
  const ink = (row: number, column: number) => averageOver(pixels, shape, row / rows, column / imageColumns, rows);
  return Array.from({ length: rows / 2 }, (_, line) =>
    Array.from({ length: imageColumns }, (_, column) => {
      const upper = ink(2 * line, column) >= inkThreshold;
      const lower = ink(2 * line + 1, column) >= inkThreshold;
      return upper ? (lower ? '█' : '▀') : lower ? '▄' : ' ';
    }).join(''),
  );
}

/** Mean brightness of the cell whose corner is at (`top`, `left`), in fractions of the image. */
function averageOver(
  pixels: Uint8Array,
  [height, width, channels]: ImageShape,
  top: number,
  left: number,
  rows: number,
): number {
  const fromRow = Math.floor(top * height);
  const fromColumn = Math.floor(left * width);
  const toRow = Math.max(fromRow + 1, Math.floor((top + 1 / rows) * height));
  const toColumn = Math.max(fromColumn + 1, Math.floor((left + 1 / imageColumns) * width));
  let sum = 0;
  for (let row = fromRow; row < toRow; row++) {
    const line = pixels.subarray((row * width + fromColumn) * channels, (row * width + toColumn) * channels);
    for (const value of line) sum += value;
  }
  return sum / ((toRow - fromRow) * (toColumn - fromColumn) * channels);
}
