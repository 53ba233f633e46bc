/** Names of the step graph's inputs and outputs (tensorflow-step-graph.ts). Optimizer slots are numbered from 0. */
export const feeds = {
  /** uint8 [count, pixels]. */
  trainImages: 'train_images',
  parameters: 'parameters_in',
  slot: (index: number) => `slot_${index}_in`,
  /** int32 [batch], of training images. */
  indices: 'indices',
  /** int32 [batch]. */
  labels: 'labels',
  /** uint8 [count, pixels]: images to classify. */
  images: 'images',
  gradientSum: 'gradient_sum',
  /** float32 [5]: see `optimizerScalars`. */
  scalars: 'scalars',
} as const;

export const fetches = {
  trainImagesSet: 'train_images_set',
  parametersSet: 'parameters_set',
  slotSet: (index: number) => `slot_${index}_set`,
  parameters: 'parameters_out',
  slot: (index: number) => `slot_${index}_out`,
  /** One flat vector: the sum over the batch. */
  gradient: 'gradient',
  batchLogits: 'batch_logits',
  logits: 'logits',
  applied: 'applied',
} as const;
