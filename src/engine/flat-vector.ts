/** A model's variables as one flat vector, in layer order and each row-major. */

export interface Shaped {
  readonly shape: readonly number[];
  readonly size: number;
}

export function totalSize(variables: readonly Shaped[]): number {
  return variables.reduce((sum, { size }) => sum + size, 0);
}

/** Views of the parts of `flat` that belong to each variable. */
export function viewsOf(flat: Float32Array, variables: readonly Shaped[]): readonly Float32Array[] {
  let offset = 0;
  return variables.map(({ size }) => {
    offset += size;
    return flat.subarray(offset - size, offset);
  });
}
