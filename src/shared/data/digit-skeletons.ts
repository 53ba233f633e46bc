/** The strokes of handwritten digits 0 to 9, in a unit square with y pointing down. */

export interface Stroke {
  /** The corners of the stroke's control polygon: x, y, x, y, … */
  readonly corners: readonly number[];
  /** `line`: straight lines between the corners; `curve`: rounded; `loop`: rounded and closed. */
  readonly kind: 'line' | 'curve' | 'loop';
}

const line = (...corners: number[]): Stroke => ({ corners, kind: 'line' });
const curve = (...corners: number[]): Stroke => ({ corners, kind: 'curve' });
const loop = (...corners: number[]): Stroke => ({ corners, kind: 'loop' });

/** For each digit, the ways to write it. */
export const digitSkeletons: readonly (readonly (readonly Stroke[])[])[] = [
  [[loop(0.5, -0.04, 0.14, 0.06, 0, 0.5, 0.14, 0.94, 0.5, 1.04, 0.86, 0.94, 1, 0.5, 0.86, 0.06)]],
  [[line(0.5, 0, 0.5, 1)], [line(0.28, 0.22, 0.55, 0, 0.55, 1)]],
  [
    [curve(0.1, 0.3, 0.15, -0.05, 0.9, -0.08, 0.98, 0.42, 0.4, 0.7, 0.08, 1), line(0.08, 1, 0.92, 0.97)],
    [curve(0.1, 0.3, 0.15, -0.05, 0.9, -0.08, 0.98, 0.5, 0.3, 1.1, -0.02, 0.95, 0.2, 0.7, 0.6, 1, 0.95, 0.92)],
  ],
  [
    [
      curve(0.12, 0.12, 0.5, -0.08, 1, 0.05, 0.85, 0.47, 0.4, 0.48),
      curve(0.4, 0.48, 1, 0.48, 1.02, 0.98, 0.5, 1.08, 0.08, 0.85),
    ],
  ],
  [
    [line(0.6, 0, 0.08, 0.64, 0.95, 0.64), line(0.68, 0.3, 0.68, 1)],
    [line(0.15, 0, 0.12, 0.5, 0.85, 0.5), line(0.85, 0, 0.8, 1)],
  ],
  [[line(0.9, 0, 0.25, 0, 0.18, 0.45), curve(0.18, 0.45, 0.6, 0.25, 1.05, 0.5, 0.95, 1, 0.4, 1.08, 0.08, 0.85)]],
  [[curve(0.75, 0, 0.25, 0.1, 0, 0.65, 0.15, 1.05, 0.75, 1.08, 0.98, 0.75, 0.75, 0.45, 0.3, 0.48, 0.1, 0.75)]],
  [[line(0.1, 0.05, 0.9, 0.03, 0.4, 1)], [line(0.1, 0.05, 0.9, 0.03, 0.4, 1), line(0.3, 0.5, 0.8, 0.5)]],
  [
    [
      loop(0.5, -0.02, 0.2, 0.04, 0.1, 0.24, 0.2, 0.43, 0.5, 0.5, 0.8, 0.43, 0.9, 0.24, 0.8, 0.04),
      loop(0.5, 0.45, 0.12, 0.54, 0, 0.75, 0.12, 0.96, 0.5, 1.03, 0.88, 0.96, 1, 0.75, 0.88, 0.54),
    ],
  ],
  [
    [
      loop(0.5, -0.03, 0.15, 0.05, 0.02, 0.28, 0.15, 0.5, 0.5, 0.58, 0.85, 0.5, 0.95, 0.25, 0.85, 0.05),
      line(0.88, 0.25, 0.8, 1),
    ],
    [
      loop(0.5, -0.03, 0.15, 0.05, 0.02, 0.28, 0.15, 0.5, 0.5, 0.58, 0.85, 0.5, 0.95, 0.25, 0.85, 0.05),
      curve(0.9, 0.25, 0.95, 0.7, 0.85, 1.05, 0.5, 1.08, 0.15, 0.9),
    ],
  ],
];
