import type { Gpu } from '../engine/tensorflow/nvidia-smi.ts';
import type { Timers } from '../shared/core/timers.ts';

/** `nvidia-smi` takes tens of milliseconds of a core, and its figures change slowly. */
const intervalMs = 5000;

/**
 * Reads a card now and every few seconds, one reading at a time. A failed reading ends the watch: these figures are worth
 * a line in the log, no more.
 * @returns ends the watch; may be called twice
 */
export function watchGpu(
  read: () => Promise<Gpu | undefined>,
  timers: Timers,
  onReading: (gpu: Gpu) => void,
  onFailure: (error: unknown) => void,
): () => void {
  let endTimer = () => {};
  let stopped = false;
  const look = async () => {
    try {
      const gpu = await read();
      if (stopped || gpu === undefined) return;
      onReading(gpu);
      endTimer = timers.after(intervalMs, look);
    } catch (error) {
      if (!stopped) onFailure(error);
    }
  };
  void look();
  return () => {
    stopped = true;
    endTimer();
  };
}
