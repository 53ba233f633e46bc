import type { RunEvent, RunObserver } from './run-events.ts';

/**
 * Tells all observers what happens. What follows from an event is told in a pass of its own, after everybody has seen
 * the event, so that the order of the observers does not matter.
 * @param derive what follows from an event, if anything does
 * @returns throws what an observer throws, once all of them have been told
 */
export function publishTo(
  observers: readonly RunObserver[],
  derive: (event: RunEvent) => RunEvent | undefined,
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
    const derived = derive(event);
    if (derived !== undefined) publish(derived);
  };
}
