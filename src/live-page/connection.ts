import { applyChanges, type LiveChanges } from '../shared/protocol/live/live-changes.ts';
import type { LiveState } from '../shared/protocol/live/live-state.ts';

/** The connection counts as dead after this. The coordinator sends something at least every five seconds. */
const silenceMs = 15_000;
/** Browsers reconnect by themselves, except after an error response. */
const reconnectMs = 2_000;

export interface Watcher {
  /** Called when the state changes, and when a lost connection is back. */
  readonly onState: (state: LiveState) => void;
  /** Called when the connection is lost and the state may be out of date. */
  readonly onLost: () => void;
}

/** Follows this run and all later runs on the same port. */
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
    // A whole state replaces the old one, which may be that of another run.
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
      if (opened.readyState === EventSource.CLOSED) setTimeout(reopen, reconnectMs);
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
