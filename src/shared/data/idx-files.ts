/** The four files of a dataset in MNIST's layout, in the order that its digest uses. */
export const idxFileNames = [
  'train-images-idx3-ubyte',
  'train-labels-idx1-ubyte',
  't10k-images-idx3-ubyte',
  't10k-labels-idx1-ubyte',
] as const;
export type IdxFileName = (typeof idxFileNames)[number];

/** One value for each of the four files. */
export type PerIdxFile<T> = Readonly<Record<IdxFileName, T>>;

/** The names that a file may have in a folder. Whether it is gzipped is decided by its content, not by its name. */
export function spellingsOf(name: IdxFileName): readonly string[] {
  const dotted = name.replace('-idx', '.idx');
  return [name, `${name}.gz`, dotted, `${dotted}.gz`];
}
