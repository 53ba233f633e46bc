import type { LiveState, LogEntry } from '../shared/protocol/live/live-state.ts';
import { byId, create } from './elements.ts';

const time = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });

/** The newest entry is at the bottom, which the style sheet keeps in view unless the reader scrolls away. */
export function createEventLog(): (state: LiveState) => void {
  const list = byId('entries', HTMLOListElement);
  let shown: { readonly runId: string; readonly lastId: number } | undefined;

  return ({ run, log }) => {
    if (shown?.runId !== run.runId) list.replaceChildren();
    const lastId = shown?.runId === run.runId ? shown.lastId : 0;
    const news = log.filter(({ id }) => id > lastId);
    shown = { runId: run.runId, lastId: log.at(-1)?.id ?? lastId };
    list.append(...news.map(createEntry));
    while (list.childElementCount > log.length) list.firstElementChild?.remove();
  };
}

function createEntry({ unixMs, level, text }: LogEntry): HTMLLIElement {
  const date = new Date(unixMs);
  return create(
    'li',
    { class: level },
    create('time', { datetime: date.toISOString() }, time.format(date)),
    ` ${text}`,
  );
}
