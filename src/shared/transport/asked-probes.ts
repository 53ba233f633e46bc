/** Floats that mean nothing, which a process has asked another for so that it can time them. */
import { createDeferred } from '../core/deferred.ts';

export interface AskedProbes {
  /** @param floats how many @returns a promise of their arrival, which never comes where the connection breaks */
  ask(floats: number): Promise<void>;
  /** So many floats have come. @returns what is wrong with them */
  take(probe: number, floats: number): string | undefined;
}

/** @param send asks for floats, by a number that comes back with them */
export function createAskedProbes(send: (probe: number, floats: number) => void): AskedProbes {
  const asked = new Map<number, { readonly floats: number; readonly onCome: () => void }>();
  let count = 0;
  return {
    ask(floats) {
      const { promise, resolve } = createDeferred<void>();
      asked.set(count, { floats, onCome: resolve });
      send(count, floats);
      count += 1;
      return promise;
    },
    take(probe, floats) {
      const due = asked.get(probe);
      if (due === undefined) return `an answer to probe ${probe}, which nobody waits for`;
      if (due.floats !== floats) return `${floats} floats for probe ${probe}, expected ${due.floats}`;
      asked.delete(probe);
      due.onCome();
      return undefined;
    },
  };
}
