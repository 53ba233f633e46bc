/**
 * Draws the charts of a report with uPlot, which is part of the page. Each `<div data-chart="ID">` shows the chart with
 * that id from the page's data, whose format is described in src/report/html/chart.ts. Markers, whiskers and names are
 * drawn here, over uPlot's lines, where place-names.js, axis-range.js, log-ticks.js and whisker-lines.js say.
 */
(() => {
  const { uPlot, labelPoints, boxAround, axisRange, logTicks, whiskerLines, flatWhiskerLines } = globalThis;
  const charts = JSON.parse(document.getElementById('charts').textContent);
  /** Charts with names beside points need more room. */
  const heightOf = ({ series }) => (series.some(({ names }) => names) ? 400 : 320);
  const printWidth = 640;
  const colours = 8;
  /** With more points than this, markers would hide the line. */
  const mostMarkers = 60;

  /** SVG paths around 0,0. Series differ in shape as well as in colour. */
  const shapes = [
    'M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z',
    'M-4-4h8v8h-8z',
    'M0-5l5 9h-10z',
    'M0-5.5l5.5 5.5l-5.5 5.5l-5.5-5.5z',
    'M0 5l5-9h-10z',
  ];
  /** Outlines around the points of other series. */
  const outlines = ['ring', 'frame'];
  const ring = 'M-8 0a8 8 0 1 0 16 0a8 8 0 1 0-16 0z';
  const frame = 'M-10-10h20v20h-20z';
  const joined = ['line', 'steps'];
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

  const isUnjoined = (style) => ['points', 'faint', 'mark', ...outlines].includes(style);

  /** The style of a series. A guide has the colour of the series that it refers to. */
  function lookOf(chart, index) {
    const { style, guides, uncertain } = chart.series[index];
    if (style === 'mark') return { stroke: colour('--ink'), shape: star };
    if (style === 'faint') return { stroke: colour('--faint'), shape: shapes[index % shapes.length] };
    if (outlines.includes(style)) {
      const shape = style === 'ring' ? ring : frame;
      return { stroke: colour('--ink'), shape, hollow: true, dash: uncertain ? [3, 3] : undefined };
    }
    const own = guides ?? index;
    const dash = { guide: [7, 5], steps: [2, 3] }[style];
    return {
      stroke: style === 'guide' && guides === undefined ? colour('--faint') : colour(`--series-${(own % colours) + 1}`),
      shape: style === 'guide' ? undefined : shapes[own % shapes.length],
      dash,
    };
  }

  /** Width of the y axis in CSS pixels, by its longest label: `$0.000020` is wider than `20 %`. */
  const sizeOfLabels = (_, values) => 24 + 7 * Math.max(4, ...(values ?? []).map((value) => value.length));

  /** Draws markers, whiskers of 95 % confidence, and the names of points. */
  function annotate(chart) {
    return (plot) => {
      const { ctx, bbox } = plot;
      const ratio = devicePixelRatio;
      const inner = { left: bbox.left, top: bbox.top, right: bbox.left + bbox.width, bottom: bbox.top + bbox.height };
      const space = { inner, ratio, occupied: [], crossable: [], named: [] };
      ctx.save();
      // After zooming, points may lie outside the plot.
      ctx.beginPath();
      ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
      ctx.clip();
      for (const index of chart.series.keys()) {
        if (plot.series[index + 1].show) drawSeries(chart, index, plot, space);
      }
      const numbered = drawNames(ctx, space);
      ctx.restore();
      showNumbered(plot, numbered);
    };
  }

  /** Draws what uPlot does not, and notes in `space` where names must not lie and which there are. */
  function drawSeries(chart, index, plot, space) {
    const { ctx } = plot;
    const { ratio, inner } = space;
    const { values, intervals, xIntervals, names, style } = chart.series[index];
    const { stroke, shape, dash, hollow } = lookOf(chart, index);
    const hasMarkers = shape !== undefined && (!joined.includes(style) || new Set(chart.xs).size <= mostMarkers);
    const places = [...values.entries()].filter(([, value]) => value != null);
    ctx.setLineDash([]);
    ctx.lineWidth = 1.5 * ratio;
    ctx.strokeStyle = stroke;
    ctx.fillStyle = stroke;
    for (const [at, value] of places) {
      const x = plot.valToPos(chart.xs[at], 'x', true);
      const y = plot.valToPos(value, 'y', true);
      const ends = (interval, scale) => interval.map((end) => plot.valToPos(end, scale, true));
      const shifted = x + whiskerShift(chart, index) * ratio;
      const whiskers = [
        ...(intervals?.[at] ? [whiskerLines(shifted, ...ends(intervals[at], 'y'), space)] : []),
        ...(xIntervals?.[at] ? [flatWhiskerLines(y, ...ends(xIntervals[at], 'x'), space)] : []),
      ];
      for (const lines of whiskers) {
        drawLines(ctx, lines);
        space.crossable.push(boxOf(lines));
      }
      if (hasMarkers) drawMarker(ctx, { x, y }, { shape, hollow, dash }, ratio);
      space.occupied.push(boxAround(x, y, (outlines.includes(style) ? 11 : 5) * ratio));
      const isInside = x >= inner.left && x <= inner.right && y >= inner.top && y <= inner.bottom;
      if (names?.[at] && isInside) space.named.push({ name: names[at], x, y });
    }
    // uPlot draws no line through a single point.
    const [only, ...others] = places;
    if (style === 'guide' && only !== undefined && others.length === 0) {
      const x = plot.valToPos(chart.xs[only[0]], 'x', true);
      const y = plot.valToPos(only[1], 'y', true);
      const [from, to] = chart.xs.length === 1 ? [inner.left, inner.right] : [x - 24 * ratio, x + 24 * ratio];
      ctx.setLineDash(dash.map((length) => length * ratio));
      drawLines(ctx, [{ from: { x: from, y }, to: { x: to, y } }]);
    }
  }

  /** Whiskers of several series at the same position are drawn side by side. */
  const whiskerShift = ({ x }, index) => (x.ticks ? [0, 3, -3, 6, -6][index % 5] : 0);

  function drawLines(ctx, lines) {
    ctx.beginPath();
    for (const { from, to } of lines) {
      ctx.moveTo(from.x, from.y);
      ctx.lineTo(to.x, to.y);
    }
    ctx.stroke();
  }

  function boxOf(lines) {
    const ends = lines.flatMap(({ from, to }) => [from, to]);
    const [xs, ys] = [ends.map(({ x }) => x), ends.map(({ y }) => y)];
    return { left: Math.min(...xs), top: Math.min(...ys), right: Math.max(...xs), bottom: Math.max(...ys) };
  }

  function drawMarker(ctx, { x, y }, { shape, hollow, dash }, ratio) {
    const path = new Path2D(shape);
    ctx.save();
    ctx.translate(x, y);
    ctx.scale(ratio, ratio);
    ctx.lineWidth = 1.5;
    if (hollow) ctx.setLineDash(dash ?? []);
    if (hollow) ctx.stroke(path);
    else ctx.fill(path);
    ctx.restore();
  }

  /** @returns the names for which there is no room, with their numbers */
  function drawNames(ctx, { named, ...space }) {
    ctx.setLineDash([]);
    ctx.font = `${12 * space.ratio}px system-ui, sans-serif`;
    ctx.textAlign = 'left';
    ctx.textBaseline = 'middle';
    const { places, numbered } = labelPoints(named, space, (text) => ctx.measureText(text).width);
    for (const { point, text, leader, box } of places) {
      if (leader) drawLeader(ctx, point, leader, space.ratio);
      drawName(ctx, text, box, space.ratio);
    }
    return numbered;
  }

  /** Lists under the legend the names that have no room in the plot. */
  function showNumbered(plot, numbered) {
    plot.root.querySelector('.numbered')?.remove();
    if (numbered.length === 0) return;
    const list = document.createElement('ol');
    list.className = 'numbered';
    for (const { number, name, isPlaced } of numbered) {
      const item = document.createElement('li');
      item.value = number;
      item.textContent = isPlaced ? name : `${name} (no room in the plot; see the figures)`;
      list.append(item);
    }
    plot.root.append(list);
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
        const { stroke, shape, dash, hollow } = lookOf(chart, index);
        const { style } = chart.series[index];
        const dashes = `stroke="${stroke}" stroke-dasharray="${(dash ?? []).join()}"`;
        const line = isUnjoined(style) ? '' : `<path d="M-11 0h22" stroke-width="2" ${dashes}/>`;
        const paint = hollow ? `fill="none" stroke-width="1.5" ${dashes}` : `fill="${stroke}"`;
        const marker = shape === undefined ? '' : `<path d="${shape}" ${paint}/>`;
        const place = row.querySelector('.u-marker');
        place.removeAttribute('style');
        place.innerHTML = `<svg viewBox="-12 -11 24 22" width="24" height="22" aria-hidden="true">${line}${marker}</svg>`;
      }
    };
  }

  function seriesOptions(chart, index) {
    const { label, style } = chart.series[index];
    const { stroke, dash } = lookOf(chart, index);
    const paths = isUnjoined(style) ? () => null : style === 'steps' ? uPlot.paths.stepped({ align: 1 }) : undefined;
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
    const isDate = chart.x.format === 'date';
    const ticks = chart.x.ticks ? { splits: () => [...new Set(chart.xs)] } : {};
    const all = (of) => chart.series.flatMap((series) => of(series) ?? []).filter((value) => value != null);
    const x = axisRange(
      chart.x,
      chart.xs,
      all(({ xIntervals }) => xIntervals),
    );
    const y = axisRange(
      chart.y,
      all(({ values }) => values),
      all(({ intervals }) => intervals),
    );
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
          x: { time: isDate, range: x.range, ...(x.log ? { distr: 3 } : {}) },
          y: { range: y.range, ...(y.log ? { distr: 3 } : {}) },
        },
        axes: [
          {
            ...axis,
            ...ticks,
            label: chart.x.label,
            ...(x.log ? logAxis((width - 110) / 55) : {}),
            ...(isDate ? {} : { values: labels(chart.x.format) }),
          },
          {
            ...axis,
            size: sizeOfLabels,
            label: chart.y.label,
            ...(y.log ? logAxis(9) : {}),
            values: labels(chart.y.format),
          },
        ],
        series: [
          { label: chart.x.label, value: formatter(chart.x.format) },
          ...chart.series.map((_, index) => seriesOptions(chart, index)),
        ],
        hooks: { init: [drawLegend(chart)], draw: [annotate(chart)] },
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
