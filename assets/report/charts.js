/**
 * Draws the charts of a report with uPlot, which the page carries. Each `<div data-chart="ID">` shows the chart of that
 * id in the page's data: `{id, x: {label, format}, y: {label, format, zero}, xs, series: [{label, values, intervals,
 * names, line}]}`, all series over the same `xs`, null where they have no value.
 */
(() => {
  const { uPlot } = globalThis;
  const charts = JSON.parse(document.getElementById('charts').textContent);
  const height = 320;
  const printWidth = 640;
  const colours = 6;

  const counts = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 4 });
  const formats = {
    count: (value) => counts.format(value),
    percent: (value) => `${counts.format(100 * value)} %`,
    seconds: (value) => `${counts.format(value)} s`,
    // Plain digits: an epoch may cost a hundredth of a cent, and 1e-4 reads badly as money.
    usd: (value) => `$${value === 0 ? 0 : value.toFixed(Math.max(2, 1 - Math.floor(Math.log10(Math.abs(value)))))}`,
  };
  const formatter = (format) => (_, value) => (value == null ? '' : formats[format](value));

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const seriesColour = (index) => colour(`--series-${(index % colours) + 1}`);

  /** From 0, or from the lowest value, with room for what is written beside the points. */
  function rangeOf(values, zero) {
    const known = values.filter((value) => value != null);
    const low = Math.min(...known);
    const high = Math.max(...known);
    const room = (high - low || Math.abs(high) || 1) * 0.12;
    return [zero ? 0 : Math.max(0, low - room), high + room];
  }

  /** Whiskers of 95 % confidence, and the names of points. */
  function annotate(chart) {
    return (plot) => {
      const { ctx } = plot;
      const ratio = devicePixelRatio;
      ctx.save();
      ctx.font = `${12 * ratio}px system-ui, sans-serif`;
      ctx.lineWidth = 1.5 * ratio;
      for (const [index, series] of chart.series.entries()) {
        if (!plot.series[index + 1].show) continue;
        ctx.strokeStyle = seriesColour(index);
        ctx.fillStyle = colour('--ink');
        for (const [at, value] of series.values.entries()) {
          if (value == null) continue;
          const x = plot.valToPos(chart.xs[at], 'x', true);
          const interval = series.intervals?.[at];
          if (interval) {
            const { top, height: inner } = plot.bbox;
            const [low, high] = interval.map((end) =>
              Math.min(top + inner, Math.max(top, plot.valToPos(end, 'y', true))),
            );
            ctx.beginPath();
            ctx.moveTo(x, low);
            ctx.lineTo(x, high);
            ctx.stroke();
          }
          const name = series.names?.[at];
          if (name) {
            const right = x > plot.bbox.left + plot.bbox.width / 2;
            ctx.textAlign = right ? 'right' : 'left';
            ctx.fillText(name, x + (right ? -8 : 8) * ratio, plot.valToPos(value, 'y', true) - 6 * ratio);
          }
        }
      }
      ctx.restore();
    };
  }

  function draw(chart, place, width) {
    const ink = colour('--ink');
    const rule = { stroke: colour('--rule'), width: 1 };
    const axis = { stroke: ink, grid: rule, ticks: rule, labelFont: '13px system-ui', font: '12px system-ui' };
    const few = new Set(chart.xs).size <= 12;
    const ticks = chart.x.ticks ? { splits: () => [...new Set(chart.xs)] } : {};
    return new uPlot(
      {
        width,
        height,
        scales: {
          x: { time: false, range: rangeOf(chart.xs, chart.x.zero) },
          y: {
            range: rangeOf(
              chart.series.flatMap(({ values }) => values),
              chart.y.zero,
            ),
          },
        },
        axes: [
          {
            ...axis,
            ...ticks,
            label: chart.x.label,
            values: (_, values) => values.map((value) => formats[chart.x.format](value)),
          },
          {
            ...axis,
            size: 80,
            label: chart.y.label,
            values: (_, values) => values.map((value) => formats[chart.y.format](value)),
          },
        ],
        series: [
          { label: chart.x.label, value: formatter(chart.x.format) },
          ...chart.series.map(({ label, line }, index) => ({
            label,
            stroke: seriesColour(index),
            width: 2,
            spanGaps: true,
            points: { show: few, size: 8, fill: seriesColour(index) },
            value: formatter(chart.y.format),
            ...(line ? {} : { paths: () => null }),
          })),
        ],
        hooks: { draw: [annotate(chart)] },
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
    for (const { plot, place } of shown) plot.setSize({ width: place.clientWidth, height });
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => drawAll());
  // On paper the colours are the light ones, and nothing can be unfolded.
  matchMedia('print').addEventListener('change', ({ matches }) => {
    for (const details of document.querySelectorAll('details')) details.open = matches;
    drawAll(matches ? printWidth : undefined);
  });
})();
