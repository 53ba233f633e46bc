/** The variables of a model as one vector: each row-major, in layer order. */

export interface Shaped {
  readonly shape: readonly number[];
  readonly size: number;
}

export function totalSize(variables: readonly Shaped[]): number {
  return variables.reduce((sum, { size }) => sum + size, 0);
}

/** The part of `flat` that belongs to each variable, without copying. */
export function viewsOf(flat: Float32Array, variables: readonly Shaped[]): readonly Float32Array[] {
  let offset = 0;
  return variables.map(({ size }) => {
    offset += size;
    return flat.subarray(offset - size, offset);
  });
}
