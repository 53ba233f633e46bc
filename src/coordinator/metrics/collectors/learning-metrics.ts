import { Gauge } from 'prom-client';
import type { StepEvent } from '../../run-events.ts';
import type { Collector } from '../collector.ts';
import { createUnsetGauge } from '../unset-gauge.ts';

export const createLearningMetrics: Collector = (registry, { training }) => {
  const registers = [registry];
  const labelNames = ['split'] as const;
  const loss = new Gauge({
    name: 'pennygrad_loss',
    help: 'Mean cross-entropy in nats; split is train, over the last applied step, or test, over the last test pass.',
    labelNames,
    registers,
    collect: showTrained,
  });
  const accuracy = new Gauge({
    name: 'pennygrad_accuracy_ratio',
    help: 'Fraction of samples classified correctly; split is train, over the last applied step, or test, over the last test pass.',
    labelNames,
    registers,
    collect: showTrained,
  });
  const epochDuration = createUnsetGauge({
    name: 'pennygrad_epoch_duration_seconds',
    help: 'Training time of the last whole epoch, without its test pass; absent before the first has ended.',
    registers,
  });
  const learningRate = new Gauge({
    name: 'pennygrad_learning_rate',
    help: 'Learning rate of the optimizer (--lr).',
    registers,
  });
  const gradientNorm = createUnsetGauge({
    name: 'pennygrad_gradient_norm',
    help: 'Euclidean norm of the mean gradient over the global batch, of all parameters together; of every fiftieth step, the first included, and absent before it.',
    registers,
  });
  learningRate.set(training.lr);

  /** The last applied step, where it is not shown yet: only what is read has to be set. */
  let trained: StepEvent | undefined;
  function showTrained(): void {
    if (trained === undefined) return;
    const { loss, correct, samples } = trained;
    trained = undefined;
    learned('train', loss, correct / samples);
  }

  const learned = (split: 'train' | 'test', lossValue: number, accuracyValue: number) => {
    loss.set({ split }, lossValue);
    accuracy.set({ split }, accuracyValue);
  };
  return (event) => {
    switch (event.type) {
      case 'step':
        if (event.skipped === undefined) trained = event;
        if (event.gradientNorm !== undefined) gradientNorm.set(event.gradientNorm);
        break;
      case 'epoch':
        learned('test', event.testLoss, event.testAccuracy);
        // A part of an epoch would look like a fast one.
        if (!event.cutShort) epochDuration.set(event.seconds);
        break;
      case 'ended':
        // A worker whose loss diverges leaves before it can report it.
        if (event.code !== 'diverged') break;
        trained = undefined;
        learned('train', Number.NaN, Number.NaN);
        break;
    }
  };
};
