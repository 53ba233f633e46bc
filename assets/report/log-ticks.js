/** The labels of a logarithmic axis. Pure. */
(() => {
  /**
   * As many round values of each decade as there is room for, such as 1, 2 and 5. uPlot would only label the decades.
   * @param most labels that fit side by side
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
    // In a narrow range, where no two labels fit, one is better than none.
    return choices.find((ticks) => ticks.length > 0 && hasRoom(ticks)) ?? within([1]);
  }

  Object.assign(globalThis, { logTicks });
})();
