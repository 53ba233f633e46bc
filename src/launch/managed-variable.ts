/** Tells a worker that its parent manages it. */
export const managedVariable = 'PENNYGRAD_MANAGED';
