/** What an axis shows, and whether it is logarithmic. Pure. Axes are described in src/report/html/chart.ts. */
(() => {
  const yearSeconds = 365 * 86_400;
  /** Room beyond the outermost values, as a part of their range, for the names of points. */
  const room = 0.12;

  const isWide = (axis, values) =>
    axis.log && Math.min(...values) > 0 && Math.max(...values) >= 4 * Math.min(...values);

  /** The values, and the ends of their intervals. A very long interval is cut where it would flatten everything else. */
  function shownValues(axis, values, intervals) {
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const between = (least, most) => (end) => Math.min(most, Math.max(least, end));
    if (axis.log && low > 0) {
      const factor = Math.max(high / low, 1.5);
      return [...values, ...intervals.flat().map(between(low / factor, high * factor))];
    }
    const most = Math.max(high - low, Math.abs(high) / 2);
    return [...values, ...intervals.flat().map(between(low - most, high + most))];
  }

  /** It starts at 0 where the axis has a zero and is not logarithmic. */
  function rangeOf({ zero, format, ticks }, values, log) {
    const [low, high] = [Math.min(...values), Math.max(...values)];
    if (ticks) return [low - 0.5, high + 0.5];
    if (log) return [low / (high / low) ** room, high * (high / low) ** room];
    if (format === 'date') {
      const around = Math.max(0.06 * (high - low), (yearSeconds - (high - low)) / 2);
      return [low - around, high + around];
    }
    const around = (high - low || Math.abs(high) || 1) * room;
    return [zero ? Math.min(0, low - (low < 0 ? around : 0)) : Math.max(0, low - around), high + around];
  }

  /** @param intervals [low, high] of those of the values that have one */
  function axisRange(axis, values, intervals) {
    if (values.length === 0) return { range: [0, 1], log: false };
    const shown = shownValues(axis, values, intervals);
    const log = Boolean(isWide(axis, shown));
    return { range: rangeOf(axis, shown, log), log };
  }

  Object.assign(globalThis, { axisRange });
})();
