import { stripVTControlCharacters } from 'node:util';
import { formatCount, formatLoss, formatPercent, formatSeconds, formatUsd } from '../../shared/core/number-format.ts';
import { createPaint } from './colour.ts';
import { type ProgressState, progressFigures } from './progress-state.ts';

export interface ProgressLineOptions {
  readonly columns: number;
  readonly colour: boolean;
}

const longestBar = 24;
const shortestBar = 6;
const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'] as const;

/**
 * One line, shorter than `columns`: epoch, bar, samples/s, loss, accuracy, cost so far, what is left of the budget, cost per
 * hour, projected cost, time left, how long the budget lasts. Where there is no room, the bar shrinks first; then figures
 * are left out, the least important first.
 */
export function renderProgress(state: ProgressState, { columns, colour }: ProgressLineOptions): string {
  const paint = createPaint(colour);
  const { done, loss, accuracy, samplesPerSecond } = progressFigures(state);
  const outlook = state.readOutlook();
  const { costUsd, billedUsd, priceAssumed, usdPerHour, projectedUsd, secondsLeft } = outlook;
  const { budgetUsdLeft, budgetBasis, budgetSecondsLeft } = outlook;
  const bill = budgetBasis === 'billed' && billedUsd !== undefined ? `, ${formatUsd(billedUsd)} billed` : '';
  const head = `epoch ${state.totals.epoch + 1}/${state.epochs}`;
  const parts = [
    { text: `${formatCount(samplesPerSecond)} samples/s`, expendable: 3 },
    { text: `loss ${formatLoss(loss)}`, expendable: 9 },
    { text: `accuracy ${formatPercent(accuracy)}`, expendable: 4 },
    {
      text: costUsd === undefined ? '' : `${formatUsd(costUsd)}${priceAssumed ? ' assumed' : ''} so far${bill}`,
      expendable: 1,
    },
    { text: budgetUsdLeft === undefined ? '' : `${formatUsd(budgetUsdLeft)} of the budget left`, expendable: 2 },
    { text: usdPerHour === undefined ? '' : `${formatUsd(usdPerHour)}/h`, expendable: 7 },
    { text: projectedUsd === undefined ? '' : `${formatUsd(projectedUsd)} projected`, expendable: 6 },
    { text: secondsLeft === undefined ? '' : `${formatSeconds(secondsLeft)} left`, expendable: 5 },
    {
      text: budgetSecondsLeft === undefined ? '' : `budget lasts ${formatSeconds(budgetSecondsLeft)}`,
      expendable: 8,
    },
  ].filter(({ text }) => text !== '');

  // A line as wide as the terminal would wrap, and could then not be redrawn in place.
  const room = columns - 1 - head.length - ' 100 %'.length - 2;
  while (widthOf(parts) + shortestBar > room && parts.length > 0) {
    const least = Math.max(...parts.map(({ expendable }) => expendable));
    parts.splice(
      parts.findIndex(({ expendable }) => expendable === least),
      1,
    );
  }
  const bar = renderBar(done, Math.max(0, Math.min(longestBar, room - widthOf(parts))));
  const percent = `${Math.floor(done * 100)} %`.padStart(5);
  const line = [paint('bold', head), paint('cyan', bar), percent].filter((part) => part !== '').join(' ');
  const full = line + parts.map(({ text }) => paint('dim', ' · ') + text).join('');
  const plain = stripVTControlCharacters(full);
  return plain.length < columns ? full : plain.slice(0, Math.max(0, columns - 1));
}

function widthOf(parts: readonly { readonly text: string }[]): number {
  return parts.reduce((sum, { text }) => sum + text.length + ' · '.length, 0);
}

/** A bar of `width` characters, with a resolution of an eighth of a character. */
function renderBar(done: number, width: number): string {
  const filled = Math.floor(done * width * eighths.length);
  const whole = Math.floor(filled / eighths.length);
  return `${'█'.repeat(whole)}${eighths[filled % eighths.length]}`.padEnd(width, '░');
}
