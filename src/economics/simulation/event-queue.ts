/** Events in the order of their times. Pure: the clock is that of the simulation. */

export interface EventQueue<Event> {
  /** @param time seconds, not before that of the event that is happening */
  at(time: number, event: Event): void;
  /** Lets everything happen that was asked for, and what that asks for, by calling `happen` with each event. */
  run(happen: (event: Event, time: number) => void): void;
}

/**
 * A binary heap in three lists, times apart from events: most of the work is comparing times, which then lie side by side.
 * Events at one time happen in the order in which they were asked for.
 */
export function createEventQueue<Event>(): EventQueue<Event> {
  const times: number[] = [];
  const places: number[] = [];
  const events: Event[] = [];
  let [now, asked] = [0, 0];

  function isBefore(time: number, place: number, other: number): boolean {
    const otherTime = times[other] as number;
    return time === otherTime ? place < (places[other] as number) : time < otherTime;
  }

  function put(at: number, time: number, place: number, event: Event): void {
    times[at] = time;
    places[at] = place;
    events[at] = event;
  }

  function move(from: number, to: number): void {
    put(to, times[from] as number, places[from] as number, events[from] as Event);
  }

  /** Takes the last entry off its place, and puts it where it belongs, from the top down. */
  function fillTop(): void {
    const [time, place, event] = [times.pop() as number, places.pop() as number, events.pop() as Event];
    const length = times.length;
    if (length === 0) return;
    let at = 0;
    for (let next = 1; next < length; next = 2 * at + 1) {
      const right = next + 1;
      if (right < length && isBefore(times[right] as number, places[right] as number, next)) next = right;
      if (isBefore(time, place, next)) break;
      move(next, at);
      at = next;
    }
    put(at, time, place, event);
  }

  return {
    at(time, event) {
      if (!(time >= now)) throw new Error(`event queue: ${time} is before ${now}`);
      const place = asked++;
      let at = times.length;
      while (at > 0) {
        const above = (at - 1) >> 1;
        if (!isBefore(time, place, above)) break;
        move(above, at);
        at = above;
      }
      put(at, time, place, event);
    },
    run(happen) {
      while (times.length > 0) {
        now = times[0] as number;
        const event = events[0] as Event;
        fillTop();
        happen(event, now);
      }
    },
  };
}
