/** The four files that make an image dataset in the MNIST layout, in the order in which digests list them. */
export const idxFileNames = [
  'train-images-idx3-ubyte',
  'train-labels-idx1-ubyte',
  't10k-images-idx3-ubyte',
  't10k-labels-idx1-ubyte',
] as const;
export type IdxFileName = (typeof idxFileNames)[number];

/** One value for each of the four files. */
export type PerIdxFile<T> = Readonly<Record<IdxFileName, T>>;

/** The names under which a file is found in folders in the wild. What is inside is told by content, not by name. */
export function spellingsOf(name: IdxFileName): readonly string[] {
  const dotted = name.replace('-idx', '.idx');
  return [name, `${name}.gz`, dotted, `${dotted}.gz`];
}
