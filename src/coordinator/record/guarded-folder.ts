/** A run folder that is written only while this process holds its lock. */
import type { RunLock } from '../../run-folder/run-lock.ts';
import type { RunFolder } from './run-folder.ts';

/**
 * Once another process has the run, no step, generation or checkpoint goes through: observing one throws. Whatever else
 * happens is not written.
 */
export function guardFolder(folder: RunFolder, lock: Pick<RunLock, 'requireHeld' | 'lost'>): RunFolder {
  return {
    record(step, isFollowed) {
      lock.requireHeld();
      folder.record(step, isFollowed);
    },
    observe(event) {
      switch (event.type) {
        case 'step':
        case 'generation':
        case 'checkpoint':
          lock.requireHeld();
          break;
        default:
          if (!isHeld(lock)) return;
      }
      folder.observe(event);
    },
    linesWaiting: folder.linesWaiting,
    write(name, content) {
      if (isHeld(lock)) folder.write(name, content);
    },
    // Whoever has the run now writes its own.
    checkpointsWritten: async () => (isHeld(lock) ? folder.checkpointsWritten() : undefined),
    flush() {
      if (isHeld(lock)) folder.flush();
    },
    async close() {
      if (isHeld(lock)) await folder.close();
    },
  };
}

function isHeld(lock: Pick<RunLock, 'requireHeld' | 'lost'>): boolean {
  try {
    lock.requireHeld();
  } catch (error) {
    if (error === lock.lost.reason) return false;
    throw error;
  }
  return true;
}
