/** The lines of a whisker, cut at the edge of the plot. Pure: in pixels of the canvas, whose y axis points down. */
(() => {
  /**
   * @param low y of the low end of the interval
   * @param high y of its high end, which is the smaller number
   * @param space {inner, ratio}: the box of the plot, and canvas pixels per CSS pixel
   * @returns {from, to} of each line: the whisker, with a cap at each end, or an arrow where it continues outside the plot
   */
  function whiskerLines(x, low, high, { inner, ratio }) {
    const cap = 4 * ratio;
    // A pixel inside the edge, so that the whole stroke is visible.
    const within = (y) => Math.min(inner.bottom - ratio, Math.max(inner.top + ratio, y));
    const ends = [
      { y: within(low), isCut: low > inner.bottom || low < inner.top, inwards: -1 },
      { y: within(high), isCut: high > inner.bottom || high < inner.top, inwards: 1 },
    ];
    const [first, last] = ends;
    const heads = ends.flatMap(({ y, isCut, inwards }) =>
      [-1, 1].map((side) => ({
        from: { x, y },
        to: { x: x + side * cap, y: y + (isCut ? inwards * 1.5 * cap : 0) },
      })),
    );
    return [{ from: { x, y: first.y }, to: { x, y: last.y } }, ...heads];
  }

  Object.assign(globalThis, { whiskerLines });
})();
