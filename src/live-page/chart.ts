import { position, type Scale, ticks } from './chart-scale.ts';
import { create, createSvg, setAttributes, setText } from './elements.ts';

export interface Series {
  readonly name: string;
  /** CSS class of its line, marks and legend. */
  readonly className: string;
  readonly points: readonly { readonly step: number; readonly value: number }[];
  /** Whether each point has a mark, for series of few points. */
  readonly marked: boolean;
}

export interface ChartContent {
  readonly series: readonly Series[];
  readonly scale: Scale;
  /** The last step. */
  readonly steps: number;
  /** One sentence for screen readers. */
  readonly summary: string;
}

export interface Chart {
  draw(content: ChartContent): void;
}

export interface ChartOptions {
  readonly title: string;
  readonly format: (value: number) => string;
  readonly formatStep: (step: number) => string;
}

/** In the units of the drawing, which scales with its element. */
const [width, height] = [400, 190];
const plot = { left: 46, right: width - 8, top: 8, bottom: height - 20 };

/** A line chart over steps in a `<figure>`, which shows the value under the pointer. */
export function createChart(figure: HTMLElement, { title, format, formatStep }: ChartOptions): Chart {
  const { svg, legend, reading, axes, lines, cursor } = createParts(figure, title);
  let content: ChartContent | undefined;
  let pointedAt: number | undefined;

  svg.addEventListener('pointermove', ({ clientX }) => {
    const { left, width: shown } = svg.getBoundingClientRect();
    pointedAt = (((clientX - left) / shown) * width - plot.left) / (plot.right - plot.left);
    drawReading();
  });
  svg.addEventListener('pointerleave', () => {
    pointedAt = undefined;
    drawReading();
  });

  /** Shows the point nearest to the pointer in the first series, which has the most points. */
  function drawReading(): void {
    const points = content?.series[0]?.points ?? [];
    const [first] = points;
    if (content === undefined || pointedAt === undefined || first === undefined) {
      setText(reading, '');
      cursor.setAttribute('visibility', 'hidden');
      return;
    }
    const wanted = pointedAt * content.steps;
    const near = points.reduce((best, point) =>
      Math.abs(point.step - wanted) < Math.abs(best.step - wanted) ? point : best,
    );
    const x = place(content, near).x;
    setAttributes(cursor, { x1: x, x2: x, visibility: 'visible' });
    setText(reading, `step ${formatStep(near.step)}: ${format(near.value)}`);
  }

  return {
    draw(next) {
      content = next;
      const { series, summary } = next;
      svg.setAttribute('aria-label', summary);
      axes.replaceChildren(...drawAxes(next, format, formatStep));
      lines.replaceChildren(...series.flatMap((one) => drawSeries(next, one)));
      if (legend.childElementCount !== series.length || series.length === 1) {
        const names = series.length > 1 ? series : [];
        legend.replaceChildren(...names.map(({ name, className }) => create('span', { class: className }, name)));
      }
      drawReading();
    },
  };
}

function createParts(figure: HTMLElement, title: string) {
  const legend = create('span', { class: 'legend' });
  const reading = createSvg('text', { class: 'reading', x: plot.right, y: plot.top + 10, 'text-anchor': 'end' });
  const axes = createSvg('g', { class: 'axes' });
  const lines = createSvg('g', { 'clip-path': `url(#${figure.id}-clip)` });
  const cursor = createSvg('line', { class: 'cursor', y1: plot.top, y2: plot.bottom, visibility: 'hidden' });
  const box = {
    x: plot.left - 4,
    y: plot.top - 4,
    width: plot.right - plot.left + 8,
    height: plot.bottom - plot.top + 8,
  };
  const svg = createSvg(
    'svg',
    { viewBox: `0 0 ${width} ${height}`, role: 'img' },
    createSvg('clipPath', { id: `${figure.id}-clip` }, createSvg('rect', box)),
    ...[axes, lines, cursor, reading],
  );
  figure.append(create('figcaption', {}, create('strong', {}, title), legend), svg);
  return { svg, legend, reading, axes, lines, cursor };
}

function drawAxes(
  content: ChartContent,
  format: ChartOptions['format'],
  formatStep: ChartOptions['formatStep'],
): readonly SVGElement[] {
  const { scale, steps } = content;
  const horizontal = { from: 0, to: steps, logarithmic: false };
  const rows = ticks(scale, 4).flatMap((value) => {
    const { y } = place(content, { step: 0, value });
    const label = createSvg('text', { x: plot.left - 6, y: y + 4, 'text-anchor': 'end' }, format(value));
    return [createSvg('line', { x1: plot.left, x2: plot.right, y1: y, y2: y }), label];
  });
  const columns = ticks(horizontal, 4).map((step) => {
    const { x } = place(content, { step, value: scale.from });
    const anchor = x > plot.right - 16 ? 'end' : 'middle';
    const text = step === 0 ? 'step 0' : formatStep(step);
    return createSvg('text', { x, y: plot.bottom + 15, 'text-anchor': anchor }, text);
  });
  return [...rows, ...columns];
}

function drawSeries(content: ChartContent, { points, className, marked }: Series): readonly SVGElement[] {
  const places = points.map((point) => place(content, point)).filter(({ y }) => Number.isFinite(y));
  const path = places.map(({ x, y }, index) => `${index === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`).join('');
  const marks = marked ? places.map(({ x, y }) => createSvg('circle', { cx: x, cy: y, r: 4 })) : [];
  return [createSvg('g', { class: className }, createSvg('path', { d: path }), ...marks)];
}

function place(
  { scale, steps }: ChartContent,
  { step, value }: { readonly step: number; readonly value: number },
): { readonly x: number; readonly y: number } {
  return {
    x: plot.left + (step / Math.max(1, steps)) * (plot.right - plot.left),
    y: plot.bottom - position(scale, value) * (plot.bottom - plot.top),
  };
}
