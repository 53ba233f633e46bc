/**
 * Finds places for names beside the points of a chart. Pure: from boxes, {left, top, right, bottom} in pixels of the
 * canvas, to boxes.
 */
(() => {
  const boxAround = (x, y, half) => ({ left: x - half, top: y - half, right: x + half, bottom: y + half });

  /** What a line covers, in small boxes, so that no name is written over it. */
  function boxesAlong(from, to, ratio) {
    const count = Math.ceil(Math.hypot(to.x - from.x, to.y - from.y) / (4 * ratio));
    return Array.from({ length: count }, (_, index) => {
      const part = (index + 0.5) / count;
      return boxAround(from.x + part * (to.x - from.x), from.y + part * (to.y - from.y), ratio);
    });
  }

  /** The nearest place at the edge of a name. */
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

  /** The first free place around a point, from near to far, whose line to the point is free if that is asked for. */
  function placeBox(point, { distances, freeLeader, ratio, taken, inner }) {
    const { x, y, width } = point;
    const lineHeight = 15 * ratio;
    // What is at the point itself is no hindrance to its line.
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
   * Names that have room beside their point go there; then the others further off, each with a line to its point.
   * @returns how good it is, less being better, and where each name goes; without a place, nowhere
   */
  function placeInOrder(points, ratio, occupied, inner) {
    const taken = [...occupied];
    const places = [];
    let waiting = points;
    let penalty = 0;
    for (const [distances, freeLeader, cost] of [
      [near, false, 0],
      [far, true, 50],
      // Better a line across a name than no name.
      [far, false, 1000],
    ]) {
      const left = [];
      for (const point of waiting) {
        const found = placeBox(point, { distances, freeLeader, ratio, taken, inner });
        if (found === undefined) {
          left.push(point);
          continue;
        }
        const leader = distances === far ? leaderEnd(point, found.box, ratio) : undefined;
        taken.push(found.box, ...(leader ? boxesAlong(point, leader, ratio) : []));
        places.push({ point, leader, ...found });
        penalty += cost + found.distance;
      }
      waiting = left;
    }
    return { places, penalty: penalty + 10_000 * waiting.length };
  }

  /**
   * Where names go that are written beside points, none over another or over what is drawn: a name without a place is
   * left out.
   * @param points {name, x, y, width}: width is the name's
   * @param space {ratio, occupied, inner}: pixels to one of CSS, boxes of what is drawn, and the box to stay within
   * @returns {point, box, leader} of each: leader is where a line from the point ends, if the name is far from it
   */
  function placeNames(points, { ratio, occupied, inner }) {
    // Which name is placed first decides what is left for the others.
    const orders = [(a, b) => a.y - b.y, (a, b) => a.x - b.x, (a, b) => a.width - b.width];
    return orders
      .flatMap((order) => [points.toSorted(order), points.toSorted(order).reverse()])
      .map((ordered) => placeInOrder(ordered, ratio, occupied, inner))
      .reduce((best, other) => (other.penalty < best.penalty ? other : best)).places;
  }

  Object.assign(globalThis, { placeNames, boxAround, boxesAlong });
})();
