import { Gauge, type Registry } from 'prom-client';

export const splits = ['train', 'test'] as const;
export type SplitName = (typeof splits)[number];

export interface LearningMetrics {
  /** Means over the samples of a training step or a test pass: loss in nats, accuracy 0 to 1. */
  learned(split: SplitName, loss: number, accuracy: number): void;
  /** @param seconds of training, without the test pass */
  epochFinished(seconds: number): void;
}

export function createLearningMetrics(registry: Registry): LearningMetrics {
  const registers = [registry];
  const labelNames = ['split'] as const;
  const loss = new Gauge({
    name: 'pennygrad_loss',
    help: 'Mean cross-entropy in nats; split is train, over the last committed step, or test, over the last test pass.',
    labelNames,
    registers,
  });
  const accuracy = new Gauge({
    name: 'pennygrad_accuracy_ratio',
    help: 'Share of samples classified right; split is train, over the last committed step, or test, over the last test pass.',
    labelNames,
    registers,
  });
  const epochDuration = new Gauge({
    name: 'pennygrad_epoch_duration_seconds',
    help: 'Training time of the last whole epoch, without its test pass; absent before the first has ended.',
    registers,
  });
  // A gauge without labels begins as 0, which would be an epoch that took no time.
  epochDuration.remove();
  return {
    learned(split, lossValue, accuracyValue) {
      loss.set({ split }, lossValue);
      accuracy.set({ split }, accuracyValue);
    },
    epochFinished: (seconds) => epochDuration.set(seconds),
  };
}
