import { formatCount, formatLoss, formatPercent } from '../shared/core/number-format.ts';
import type { CurvePoint, LiveState } from '../shared/protocol/live/live-state.ts';
import { type Chart, createChart, type Series } from './chart.ts';
import { logarithmicScale, ratioScale, scaleFromZero } from './chart-scale.ts';
import { byId } from './elements.ts';

/** The charts of loss, accuracy and throughput over the steps. */
export function createLearningCharts(): (state: LiveState) => void {
  const chart = (id: string, title: string, format: (value: number) => string): Chart =>
    createChart(byId(id, HTMLElement), { title, format, formatStep: formatCount });
  const loss = chart('loss-chart', 'Loss', (value) => String(Number(value.toPrecision(3))));
  const accuracy = chart('accuracy-chart', 'Accuracy', (value) => `${Number((value * 100).toFixed(2))} %`);
  const throughput = chart('throughput-chart', 'Samples per second', formatCount);
  let drawn: Pick<LiveState, 'curve' | 'epochs'> | undefined;

  return (state) => {
    const { curve, epochs } = state;
    if (drawn?.curve === curve && drawn.epochs === epochs) return;
    drawn = { curve, epochs };
    const whole = wholePoints(curve);
    const train = (value: (point: CurvePoint) => number): Series => ({
      name: 'training',
      className: 'train',
      marked: false,
      points: whole.map((point) => ({ step: point.step, value: value(point) })),
    });
    const test = (value: (epoch: LiveState['epochs'][number]) => number): Series => ({
      name: 'test',
      className: 'test',
      marked: true,
      points: epochs.map((epoch) => ({ step: epoch.step, value: value(epoch) })),
    });
    const steps = curve.points.at(-1)?.step ?? 0;
    const losses = [train(({ lossSum, samples }) => lossSum / samples), test(({ testLoss }) => testLoss)];
    loss.draw({
      series: losses,
      steps,
      scale: logarithmicScale(valuesOf(losses)),
      summary: summarize('Loss', losses, formatLoss),
    });
    const ratios = [train(({ correct, samples }) => correct / samples), test(({ testAccuracy }) => testAccuracy)];
    accuracy.draw({
      series: ratios,
      steps,
      scale: ratioScale(valuesOf(ratios)),
      summary: summarize('Accuracy', ratios, formatPercent),
    });
    const speeds = [train(({ samples, seconds }) => (seconds > 0 ? samples / seconds : 0))];
    throughput.draw({
      series: speeds,
      steps,
      scale: scaleFromZero(valuesOf(speeds)),
      summary: summarize('Samples per second', speeds, formatCount),
    });
  };
}

/** Leaves out the last point until it has all its steps: a mean over few steps would stand out beside means over many. */
function wholePoints({ points, stepsPerPoint }: LiveState['curve']): readonly CurvePoint[] {
  return points.length > 1 ? points.filter(({ step }) => step % stepsPerPoint === 0) : points;
}

function valuesOf(series: readonly Series[]): readonly number[] {
  return series.flatMap(({ points }) => points.map(({ value }) => value));
}

function summarize(title: string, series: readonly Series[], format: (value: number) => string): string {
  const parts = series.flatMap(({ name, points }) => {
    const [first, last] = [points[0], points.at(-1)];
    if (first === undefined || last === undefined) return [];
    return `${name} from ${format(first.value)} to ${format(last.value)} at step ${formatCount(last.step)}`;
  });
  return parts.length === 0 ? `${title}: nothing yet` : `${title}: ${parts.join('; ')}. The data is in a table below.`;
}
