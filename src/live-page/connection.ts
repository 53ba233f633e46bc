import { applyChanges, type LiveChanges } from '../shared/protocol/live/live-changes.ts';
import type { LiveState } from '../shared/protocol/live/live-state.ts';

/** The coordinator says something every five seconds at least. */
const silenceMs = 15_000;
/** Browsers try again by themselves unless they are answered with an error. */
const againMs = 2_000;

export interface Watcher {
  /** The state changed, or there is a connection again. */
  readonly onState: (state: LiveState) => void;
  /** Nothing is heard; what was shown last may be out of date. */
  readonly onLost: () => void;
}

/** Listens for ever: to this run, and to the next ones on the same port. */
export function watchRuns({ onState, onLost }: Watcher): void {
  let state: LiveState | undefined;
  let heardAt = Date.now();
  let source = open();

  setInterval(() => {
    if (source.readyState === EventSource.OPEN && Date.now() - heardAt > silenceMs) reopen();
  }, 1_000);

  function open(): EventSource {
    const opened = new EventSource('/events');
    const listen = <Data>(type: string, take: (data: Data) => void) =>
      opened.addEventListener(type, ({ data }: MessageEvent<string>) => {
        heardAt = Date.now();
        take(JSON.parse(data) as Data);
      });
    // A new state forgets the old one: it may be that of another run.
    listen<LiveState>('state', (whole) => {
      state = whole;
      onState(state);
    });
    listen<LiveChanges>('changes', (changes) => {
      if (state === undefined) return;
      state = applyChanges(state, changes);
      onState(state);
    });
    listen('heartbeat', () => {});
    opened.addEventListener('error', () => {
      onLost();
      if (opened.readyState === EventSource.CLOSED) setTimeout(reopen, againMs);
    });
    return opened;
  }

  function reopen(): void {
    source.close();
    onLost();
    heardAt = Date.now();
    source = open();
  }
}
