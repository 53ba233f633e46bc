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

  /** The same for an interval of x. @param low x of the low end of the interval @param high x of its high end, the greater one */
  function flatWhiskerLines(y, low, high, { inner, ratio }) {
    const turned = { inner: { top: inner.left, bottom: inner.right }, ratio };
    const turn = ({ x, y }) => ({ x: y, y: x });
    return whiskerLines(y, high, low, turned).map(({ from, to }) => ({ from: turn(from), to: turn(to) }));
  }

  Object.assign(globalThis, { whiskerLines, flatWhiskerLines });
})();
