import { encode } from 'fast-png';
import { formatProbability } from '../../shared/core/number-format.ts';
import type { ImageShape } from '../../shared/data/dataset.ts';
import { listPredictions, type Prediction, type Predictions } from './predictions.ts';

export type { Predictions };

const perRow = 5;
const card = { width: 144, height: 200, gap: 12 };
const margin = 24;
const headHeight = 52;
/** Four screen pixels for each pixel of MNIST. */
const imageSize = 112;

// Colours have a contrast of 4.5:1 in both schemes. Errors are also marked by a cross and in words.
const style = `
  svg { color-scheme: light dark; --page: #ffffff; --card: #f4f5f7; --line: #d5d8de; --text: #1b1f27; --quiet: #5a6270; --right: #1f6feb; --wrong: #b3261e; --track: #dfe2e8; }
  @media (prefers-color-scheme: dark) {
    svg { --page: #0f1218; --card: #191d26; --line: #323846; --text: #e9ecf2; --quiet: #a0a8b8; --right: #6ea8fe; --wrong: #ff8a80; --track: #2b313d; }
  }
  text { font-family: system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif; fill: var(--text); }
  .page { fill: var(--page); }
  .card { fill: var(--card); stroke: var(--line); }
  .card.wrong { stroke: var(--wrong); stroke-width: 2; stroke-dasharray: 5 3; }
  .head { font-size: 17px; font-weight: 600; }
  .quiet { font-size: 12px; fill: var(--quiet); }
  .predicted { font-size: 22px; font-weight: 700; }
  .wrong-text { fill: var(--wrong); font-weight: 600; }
  .probability { font-size: 12px; text-anchor: end; font-variant-numeric: tabular-nums; }
  .track { fill: var(--track); }
  .bar { fill: var(--right); }
  .bar.wrong { fill: var(--wrong); }
  .cross { stroke: var(--wrong); stroke-width: 2.5; stroke-linecap: round; fill: none; }
  image { image-rendering: pixelated; }
`;

/**
 * A picture of test images, each with the predicted class, its probability and the true class.
 * The SVG is self-contained: pixels are embedded as PNG. It follows the reader's light or dark scheme.
 *
 * @throws bad-input when the lengths do not fit together
 */
export function renderPredictionsSvg(predictions: Predictions): string {
  const rows = listPredictions(predictions);
  const columns = Math.max(1, Math.min(perRow, rows.length));
  const lines = Math.ceil(rows.length / perRow);
  const width = 2 * margin + columns * (card.width + card.gap) - card.gap;
  const height = 2 * margin + headHeight + Math.max(0, lines * (card.height + card.gap) - card.gap);
  const subject = rows.length === 1 ? '1 test image' : `${rows.length} test images`;
  const correct = rows.filter((row) => row.correct).length;
  const cards = rows.map((row, index) => {
    const x = margin + (index % perRow) * (card.width + card.gap);
    const y = margin + headHeight + Math.floor(index / perRow) * (card.height + card.gap);
    return `<g transform="translate(${x} ${y})">${renderCard(row, predictions.imageShape)}</g>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="title desc">
<title id="title">Predictions for ${subject}</title>
<desc id="desc">${rows.map(describe).join(' ')}</desc>
<style>${style}</style>
<rect class="page" width="100%" height="100%"/>
<text class="head" x="${margin}" y="${margin + 16}">${subject}</text>
<text class="quiet" x="${margin}" y="${margin + 36}">${correct} of ${rows.length} right</text>
${cards.join('\n')}
</svg>
`;
}

function describe({ label, predicted, probability, correct }: Prediction, index: number): string {
  const sure = `predicted ${predicted} at ${probabilityText(probability)}`;
  return `Image ${index + 1}: ${sure}, ${correct ? 'right' : `wrong: it is ${label}`}.`;
}

function renderCard(row: Prediction, shape: ImageShape): string {
  const { correct, label, predicted, probability, pixels } = row;
  const left = (card.width - imageSize) / 2;
  const right = left + imageSize;
  const textY = left + imageSize + 26;
  const mark = correct ? '' : ' wrong';
  const filled = Math.max(1, probability * imageSize).toFixed(1);
  const truth = correct
    ? `<text class="quiet" x="${left}" y="${textY + 32}">right: is ${label}</text>`
    : `<text class="quiet wrong-text" x="${left}" y="${textY + 32}">wrong: is ${label}</text>` +
      `<path class="cross" d="M${right - 10} ${textY + 23}l9 9m0 -9l-9 9"/>`;
  return [
    `<rect class="card${mark}" width="${card.width}" height="${card.height}" rx="10"/>`,
    `<image x="${left}" y="${left}" width="${imageSize}" height="${imageSize}" href="${toDataUri(pixels, shape)}"/>`,
    `<text class="predicted" x="${left}" y="${textY}">${predicted}</text>`,
    `<text class="probability" x="${right}" y="${textY - 2}">${probabilityText(probability)}</text>`,
    `<rect class="track" x="${left}" y="${textY + 9}" width="${imageSize}" height="5" rx="2.5"/>`,
    `<rect class="bar${mark}" x="${left}" y="${textY + 9}" width="${filled}" height="5" rx="2.5"/>`,
    truth,
  ].join('');
}

function probabilityText(probability: number): string {
  return formatProbability(probability).replace('>', '&gt;');
}

function toDataUri(pixels: Uint8Array, [height, width, channels]: ImageShape): string {
  const png = encode({ width, height, channels, depth: 8, data: pixels });
  return `data:image/png;base64,${Buffer.from(png).toString('base64')}`;
}
