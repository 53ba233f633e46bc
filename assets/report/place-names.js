/**
 * Finds places for names beside the points of a chart. Pure. Boxes are {left, top, right, bottom} in pixels of the canvas.
 */
(() => {
  const boxAround = (x, y, half) => ({ left: x - half, top: y - half, right: x + half, bottom: y + half });

  /** A line as a row of small boxes, so that no name is written over it. */
  function boxesAlong(from, to, ratio) {
    const count = Math.ceil(Math.hypot(to.x - from.x, to.y - from.y) / (4 * ratio));
    return Array.from({ length: count }, (_, index) => {
      const part = (index + 0.5) / count;
      return boxAround(from.x + part * (to.x - from.x), from.y + part * (to.y - from.y), ratio);
    });
  }

  /** The point on the edge of a name that is nearest to the name's point. */
  const leaderEnd = ({ x, y }, { left, top, right, bottom }, ratio) => ({
    x: Math.min(right, Math.max(left, x)),
    y: Math.min(bottom - 3 * ratio, Math.max(top + 3 * ratio, y)),
  });

  const overlap = (a, b) => a.right >= b.left && a.left <= b.right && a.bottom >= b.top && a.top <= b.bottom;
  const slopes = [0, -0.35, 0.35, -0.7, 0.7, -1.4, 1.4];
  const sides = [
    ...slopes.flatMap((slope) => [
      [1, slope],
      [-1, slope],
    ]),
    [0, -1],
    [0, 1],
  ];

  const near = [9, 14];
  const far = [22, 34, 48, 64, 82, 102, 124, 148];

  /** The nearest free place around a point. With `freeLeader` the line from the place to the point must be free too. */
  function placeBox(point, { distances, freeLeader, ratio, taken, inner }) {
    const { x, y, width } = point;
    const lineHeight = 15 * ratio;
    // The line may cross what is drawn at its own point.
    const own = boxAround(x, y, lineHeight / 2);
    for (const distance of distances) {
      for (const [right, down] of sides) {
        const left = x + right * distance * ratio - (right < 0 ? width : right === 0 ? width / 2 : 0);
        const top = y + down * distance * ratio - lineHeight / 2;
        const box = { left, top, right: left + width, bottom: top + lineHeight };
        const inside = left >= inner.left && box.right <= inner.right && top >= inner.top && box.bottom <= inner.bottom;
        if (!inside || taken.some((other) => overlap(box, other))) continue;
        const leader = freeLeader ? boxesAlong(point, leaderEnd(point, box, ratio), ratio) : [];
        const crossed = leader.filter((part) => !overlap(part, own));
        if (!crossed.some((part) => taken.some((other) => overlap(part, other)))) return { box, distance };
      }
    }
    return undefined;
  }

  /**
   * Places names beside their points where there is room, and then the others further away, each with a line to its point.
   * @returns the places of the names that have one, and a penalty: the lower, the better the result
   */
  function placeInOrder(points, { ratio, occupied, crossable, inner }) {
    const taken = [...occupied];
    const places = [];
    let waiting = points;
    let penalty = 0;
    for (const [distances, freeLeader, avoided, cost] of [
      [near, false, crossable, 0],
      [far, true, crossable, 50],
      // A line across something else is better than no name, and so is a name across a whisker.
      [far, false, crossable, 1000],
      [[...near, ...far], false, [], 2000],
    ]) {
      const left = [];
      for (const point of waiting) {
        const found = placeBox(point, { distances, freeLeader, ratio, taken: [...avoided, ...taken], inner });
        if (found === undefined) {
          left.push(point);
          continue;
        }
        const leader = near.includes(found.distance) ? undefined : leaderEnd(point, found.box, ratio);
        taken.push(found.box, ...(leader ? boxesAlong(point, leader, ratio) : []));
        places.push({ point, leader, ...found });
        penalty += cost + found.distance;
      }
      waiting = left;
    }
    return { places, penalty: penalty + 10_000 * waiting.length };
  }

  /**
   * Places names beside points so that none covers another name or anything drawn. A name without a place is left out.
   * @param points {name, x, y, width}: `width` is that of the name
   * @param space {ratio, occupied, crossable, inner}: canvas pixels per CSS pixel, the boxes of what is drawn, the boxes of
   *   what a name may cover where there is no other room, and the box to stay inside
   * @returns {places, left}: {point, box, leader} for each placed name, where `leader` is the end of the line from the point,
   *   if the name is far away; and the points whose names have no place
   */
  function placeNames(points, { ratio, occupied, crossable, inner }) {
    // The first names take room from the others, so several orders are tried.
    const orders = [(a, b) => a.y - b.y, (a, b) => a.x - b.x, (a, b) => a.width - b.width];
    const { places } = orders
      .flatMap((order) => [points.toSorted(order), points.toSorted(order).reverse()])
      .map((ordered) => placeInOrder(ordered, { ratio, occupied, crossable, inner }))
      .reduce((best, other) => (other.penalty < best.penalty ? other : best));
    const placed = new Set(places.map(({ point }) => point));
    return { places, left: points.filter((point) => !placed.has(point)) };
  }

  /**
   * Places names beside points as `placeNames` does, and numbers beside those whose names have no place.
   * @param points {name, x, y}
   * @param widthOf the width of a text
   * @returns {places, numbered}: {point, text, box, leader} for each text in the plot, and {number, name, isPlaced} for each
   *   name that is not, from left to right; `isPlaced` says whether there is room for the number
   */
  function labelPoints(points, space, widthOf) {
    const byName = placeNames(
      points.map((point) => ({ ...point, text: point.name, width: widthOf(point.name) })),
      space,
    );
    const covered = byName.places.flatMap(({ point, box, leader }) => [
      box,
      ...(leader ? boxesAlong(point, leader, space.ratio) : []),
    ]);
    const numbered = byName.left
      .toSorted((a, b) => a.x - b.x)
      .map((point, index) => ({ ...point, text: `${index + 1}`, width: widthOf(`${index + 1}`) }));
    const byNumber = placeNames(numbered, { ...space, occupied: [...space.occupied, ...covered] });
    return {
      places: [...byName.places, ...byNumber.places].map((place) => ({ ...place, text: place.point.text })),
      numbered: numbered.map((point) => ({
        number: Number(point.text),
        name: point.name,
        isPlaced: !byNumber.left.includes(point),
      })),
    };
  }

  Object.assign(globalThis, { labelPoints, boxAround });
})();
