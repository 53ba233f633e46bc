import type { RunEvent, RunObserver } from './run-events.ts';

/**
 * Tells all observers what happens. What follows from an event is told in a pass of its own, after everybody has seen
 * the event, so that the order of the observers does not matter.
 * @param derivations say what follows from an event, if anything does; each is asked after what the one before said was told
 * @returns throws what an observer throws, once all of them have been told
 */
export function publishTo(
  observers: readonly RunObserver[],
  ...derivations: readonly ((event: RunEvent) => RunEvent | readonly RunEvent[] | undefined)[]
): RunObserver {
  return function publish(event) {
    const failures: unknown[] = [];
    for (const observe of observers) {
      try {
        observe(event);
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
    for (const derive of derivations) {
      const derived = derive(event);
      if (derived === undefined) continue;
      if ('type' in derived) publish(derived);
      else for (const one of derived) publish(one);
    }
  };
}
