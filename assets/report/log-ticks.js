/** Where a logarithmic axis has its labels. Pure. */
(() => {
  /**
   * 1, 2 and 5 of every decade, and those between where there is room for them: uPlot labels the decades alone.
   * @param most labels that have room beside each other
   */
  function logTicks(low, high, most) {
    const within = (steps, every = 1) =>
      Array.from({ length: 40 }, (_, index) => index - 20)
        .filter((exponent) => exponent % every === 0)
        .flatMap((exponent) => steps.map((step) => Number((step * 10 ** exponent).toPrecision(3))))
        .filter((tick) => tick >= low && tick <= high);
    const hasRoom = (ticks) =>
      ticks.every((tick, index) => index === 0 || Math.log(tick / ticks[index - 1]) * most >= Math.log(high / low));
    const steps = [[1, 1.5, 2, 2.5, 3, 4, 5, 6, 8], [1, 1.5, 2, 3, 4, 6, 8], [1, 2, 3, 5], [1, 2, 5], [1, 3], [1]];
    const choices = [...steps.map((one) => within(one)), ...[2, 3, 5].map((every) => within([1], every))];
    // Where two have no room, as in a narrow range, one is better than none.
    return choices.find((ticks) => ticks.length > 0 && hasRoom(ticks)) ?? within([1]);
  }

  Object.assign(globalThis, { logTicks });
})();
