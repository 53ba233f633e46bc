/**
 * Draws the charts of a report with uPlot, which is part of the page. Each `<div data-chart="ID">` shows the chart with
 * that id from the page's data, whose format is described in src/report/html/chart.ts. Markers, whiskers and names are
 * drawn here, over uPlot's lines, where place-names.js, log-ticks.js and whisker-lines.js say.
 */
(() => {
  const { uPlot, placeNames, boxAround, boxesAlong, logTicks, whiskerLines } = globalThis;
  const charts = JSON.parse(document.getElementById('charts').textContent);
  /** Charts with names beside points need more room. */
  const heightOf = ({ series }) => (series.some(({ names }) => names) ? 400 : 320);
  const printWidth = 640;
  const colours = 8;
  /** With more points than this, markers would hide the line. */
  const mostMarkers = 60;
  const yearSeconds = 365 * 86_400;

  /** SVG paths around 0,0. Series differ in shape as well as in colour. */
  const shapes = [
    'M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z',
    'M-4-4h8v8h-8z',
    'M0-5l5 9h-10z',
    'M0-5.5l5.5 5.5l-5.5 5.5l-5.5-5.5z',
    'M0 5l5-9h-10z',
  ];
  const star = 'M0-8l2.1 5.3l5.7.4l-4.4 3.6l1.5 5.5l-4.9-3.1l-4.9 3.1l1.5-5.5l-4.4-3.6l5.7-.4z';

  const counts = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 4 });
  const formats = {
    count: (value) => counts.format(value),
    percent: (value) => `${counts.format(100 * value)} %`,
    seconds: (value) => `${counts.format(value)} s`,
    // Plain digits, because an epoch may cost a hundredth of a cent, and 1e-4 is hard to read as money.
    usd: (value) => {
      const size = Math.abs(value);
      const digits = size === 0 ? 2 : Math.max(2, 1 - Math.floor(Math.log10(size)));
      return `${value < 0 ? '-' : ''}$${size.toFixed(digits)}`;
    },
    date: (value) => new Date(value * 1000).toISOString().slice(0, 10),
  };
  const formatter = (format) => (_, value) => (value == null ? '' : formats[format](value));

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  /** The style of a series. A guide has the colour of the series that it refers to. */
  function lookOf(chart, index) {
    const { style, guides } = chart.series[index];
    if (style === 'mark') return { stroke: colour('--ink'), shape: star, dash: undefined };
    const own = guides ?? index;
    const dash = { guide: [7, 5], steps: [2, 3] }[style];
    return {
      stroke: style === 'guide' && guides === undefined ? colour('--faint') : colour(`--series-${(own % colours) + 1}`),
      shape: style === 'guide' ? undefined : shapes[own % shapes.length],
      dash,
    };
  }

  const isWide = (axis, values) =>
    axis.log && Math.min(...values) > 0 && Math.max(...values) >= 4 * Math.min(...values);

  /**
   * The range of an axis, with room for names beside points. It starts at 0 where the axis has a zero and is not
   * logarithmic.
   */
  function rangeOf({ zero, format, ticks }, values, log) {
    if (values.length === 0) return [0, 1];
    const [low, high] = [Math.min(...values), Math.max(...values)];
    if (ticks) return [low - 0.5, high + 0.5];
    if (log) return [low / (high / low) ** 0.12, high * (high / low) ** 0.12];
    if (format === 'date') {
      const room = Math.max(0.06 * (high - low), (yearSeconds - (high - low)) / 2);
      return [low - room, high + room];
    }
    const room = (high - low || Math.abs(high) || 1) * 0.12;
    return [zero ? Math.min(0, low - (low < 0 ? room : 0)) : Math.max(0, low - room), high + room];
  }

  /** Width of the y axis in CSS pixels, by its longest label: `$0.000020` is wider than `20 %`. */
  const sizeOfLabels = (_, values) => 24 + 7 * Math.max(4, ...(values ?? []).map((value) => value.length));

  /** The values that the y axis must show. Very long whiskers are cut where they would flatten everything else. */
  function drawnValues({ series }) {
    const values = series.flatMap((one) => one.values).filter((value) => value != null);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const most = Math.max(high - low, Math.abs(high) / 2);
    const ends = series.flatMap(({ intervals }) => (intervals ?? []).filter(Boolean).flat());
    return [...values, ...ends.map((end) => Math.min(high + most, Math.max(low - most, end)))];
  }

  /** Draws markers, whiskers of 95 % confidence, and the names of points. */
  function annotate(chart, few) {
    return (plot) => {
      const { ctx, bbox } = plot;
      const ratio = devicePixelRatio;
      const inner = { left: bbox.left, top: bbox.top, right: bbox.left + bbox.width, bottom: bbox.top + bbox.height };
      const isNamed = chart.series.some(({ names }) => names);
      const taken = [];
      const named = [];
      ctx.save();
      ctx.setLineDash([]);
      ctx.lineWidth = 1.5 * ratio;
      for (const [index, series] of chart.series.entries()) {
        if (!plot.series[index + 1].show) continue;
        const { stroke, shape } = lookOf(chart, index);
        ctx.strokeStyle = stroke;
        ctx.fillStyle = stroke;
        let before;
        for (const [at, value] of series.values.entries()) {
          if (value == null) continue;
          const x = plot.valToPos(chart.xs[at], 'x', true);
          const y = plot.valToPos(value, 'y', true);
          const interval = series.intervals?.[at];
          if (interval) drawWhisker(ctx, plot, x + whiskerShift(chart, index) * ratio, interval, inner, ratio);
          if (shape !== undefined && few) {
            ctx.save();
            ctx.translate(x, y);
            ctx.scale(ratio, ratio);
            ctx.fill(new Path2D(shape));
            ctx.restore();
          }
          if (!isNamed) continue;
          taken.push(boxAround(x, y, 5 * ratio));
          if (series.style === 'line' && before) taken.push(...boxesAlong(before, { x, y }, ratio));
          before = { x, y };
          const name = series.names?.[at];
          if (name) named.push({ name, x, y });
        }
      }
      drawNames(ctx, named, taken, inner, ratio);
      ctx.restore();
    };
  }

  /** Whiskers of several series at the same position are drawn side by side. */
  const whiskerShift = ({ x }, index) => (x.ticks ? [0, 3, -3, 6, -6][index % 5] : 0);

  function drawWhisker(ctx, plot, x, interval, inner, ratio) {
    const [low, high] = interval.map((end) => plot.valToPos(end, 'y', true));
    ctx.beginPath();
    for (const { from, to } of whiskerLines(x, low, high, { inner, ratio })) {
      ctx.moveTo(from.x, from.y);
      ctx.lineTo(to.x, to.y);
    }
    ctx.stroke();
  }

  function drawNames(ctx, named, occupied, inner, ratio) {
    ctx.font = `${12 * ratio}px system-ui, sans-serif`;
    ctx.textAlign = 'left';
    ctx.textBaseline = 'middle';
    const points = named.map((point) => ({ ...point, width: ctx.measureText(point.name).width }));
    for (const { point, leader, box } of placeNames(points, { ratio, occupied, inner })) {
      if (leader) drawLeader(ctx, point, leader, ratio);
      drawName(ctx, point.name, box, ratio);
    }
  }

  function drawLeader(ctx, from, to, ratio) {
    ctx.strokeStyle = colour('--faint');
    ctx.lineWidth = ratio;
    ctx.beginPath();
    ctx.moveTo(from.x, from.y);
    ctx.lineTo(to.x, to.y);
    ctx.stroke();
  }

  function drawName(ctx, name, { left, top, bottom }, ratio) {
    ctx.strokeStyle = colour('--ground');
    ctx.lineWidth = 3 * ratio;
    ctx.lineJoin = 'round';
    ctx.strokeText(name, left, (top + bottom) / 2);
    ctx.fillStyle = colour('--ink');
    ctx.fillText(name, left, (top + bottom) / 2);
  }

  /** Gives the legend's markers the style of their series. */
  function drawLegend(chart) {
    return (plot) => {
      for (const [index, row] of [...plot.root.querySelectorAll('.u-series')].slice(1).entries()) {
        const { stroke, shape, dash } = lookOf(chart, index);
        const { style } = chart.series[index];
        const line = ['points', 'mark'].includes(style)
          ? ''
          : `<path d="M-11 0h22" stroke="${stroke}" stroke-width="2" stroke-dasharray="${(dash ?? []).join()}"/>`;
        const marker = shape === undefined ? '' : `<path d="${shape}" fill="${stroke}"/>`;
        const place = row.querySelector('.u-marker');
        place.removeAttribute('style');
        place.innerHTML = `<svg viewBox="-12 -8 24 16" width="24" height="16" aria-hidden="true">${line}${marker}</svg>`;
      }
    };
  }

  function seriesOptions(chart, index) {
    const { label, style } = chart.series[index];
    const { stroke, dash } = lookOf(chart, index);
    const paths = {
      points: () => null,
      mark: () => null,
      steps: uPlot.paths.stepped({ align: 1 }),
    }[style];
    return {
      label,
      stroke,
      width: style === 'line' ? 2 : 1.5,
      spanGaps: true,
      points: { show: false },
      value: formatter(chart.y.format),
      ...(dash ? { dash } : {}),
      ...(paths ? { paths } : {}),
    };
  }

  function draw(chart, place, width) {
    const ink = colour('--ink');
    const rule = { stroke: colour('--rule'), width: 1 };
    const axis = { stroke: ink, grid: rule, ticks: rule, labelFont: '13px system-ui', font: '12px system-ui' };
    const few = new Set(chart.xs).size <= mostMarkers;
    const isDate = chart.x.format === 'date';
    const ticks = chart.x.ticks ? { splits: () => [...new Set(chart.xs)] } : {};
    const ys = drawnValues(chart);
    const [logX, logY] = [isWide(chart.x, chart.xs), isWide(chart.y, ys)];
    const logAxis = (most) => ({
      splits: (_, __, low, high) => logTicks(low, high, most),
      filter: (_, splits) => splits,
    });
    const labels = (format) => (_, values) => values.map((value) => (value == null ? '' : formats[format](value)));
    return new uPlot(
      {
        width,
        height: heightOf(chart),
        tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC'),
        scales: {
          x: { time: isDate, range: rangeOf(chart.x, chart.xs, logX), ...(logX ? { distr: 3 } : {}) },
          y: { range: rangeOf(chart.y, ys, logY), ...(logY ? { distr: 3 } : {}) },
        },
        axes: [
          {
            ...axis,
            ...ticks,
            label: chart.x.label,
            ...(logX ? logAxis((width - 110) / 55) : {}),
            ...(isDate ? {} : { values: labels(chart.x.format) }),
          },
          {
            ...axis,
            size: sizeOfLabels,
            label: chart.y.label,
            ...(logY ? logAxis(9) : {}),
            values: labels(chart.y.format),
          },
        ],
        series: [
          { label: chart.x.label, value: formatter(chart.x.format) },
          ...chart.series.map((_, index) => seriesOptions(chart, index)),
        ],
        hooks: { init: [drawLegend(chart)], draw: [annotate(chart, few)] },
      },
      [chart.xs, ...chart.series.map(({ values }) => values)],
      place,
    );
  }

  const shown = charts.map((chart) => ({
    chart,
    place: document.querySelector(`[data-chart="${chart.id}"]`),
    plot: undefined,
  }));
  function drawAll(width) {
    for (const one of shown) {
      one.plot?.destroy();
      one.plot = draw(one.chart, one.place, width ?? one.place.clientWidth);
    }
  }

  drawAll();
  addEventListener('resize', () => {
    for (const { chart, plot, place } of shown) plot.setSize({ width: place.clientWidth, height: heightOf(chart) });
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => drawAll());
  // Paper has light colours, and tables that are closed could not be opened.
  matchMedia('print').addEventListener('change', ({ matches }) => {
    for (const details of document.querySelectorAll('details')) details.open = matches;
    drawAll(matches ? printWidth : undefined);
  });
})();
