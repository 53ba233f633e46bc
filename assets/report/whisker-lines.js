/** The lines of a whisker, which is cut where the plot ends. Pure: in pixels of the canvas, down the canvas is more. */
(() => {
  /**
   * @param low, high where the interval ends, the low end further down
   * @param space {inner, ratio}: the box of the plot, and pixels to one of CSS
   * @returns {from, to} of each line: the whisker, and at its ends a cap, or an arrow where it goes on beyond the plot
   */
  function whiskerLines(x, low, high, { inner, ratio }) {
    const cap = 4 * ratio;
    // A pixel within, so that the stroke of what is cut is whole.
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
