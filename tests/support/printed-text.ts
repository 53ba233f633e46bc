/** Waits for what a process prints. */

/** For what should come soon, and takes this long only on a machine that does much else. */
const patienceMs = 90_000;

/** Who waits for text, and is to be told when there is more of it. */
export interface PrintedText {
  /** There is more text. */
  grow(): void;
  /** There will be no more. */
  end(): void;
  /**
   * The first match in what was printed so far or will be.
   *
   * @throws saying what was printed instead, if the process ends without it or it does not come in time
   */
  waitFor(pattern: RegExp, timeoutMs?: number): Promise<RegExpMatchArray>;
}

/** @param text all that was printed so far */
export function watchPrinted(text: () => string): PrintedText {
  const waiting = new Set<{ look(): void; giveUp(how: string): void }>();
  let hasEnded = false;
  return {
    grow() {
      for (const { look } of waiting) look();
    },
    end() {
      hasEnded = true;
      for (const { giveUp } of waiting) giveUp('ended without printing');
    },
    waitFor(pattern, timeoutMs = patienceMs) {
      return new Promise((resolve, reject) => {
        const waiter = {
          look() {
            const match = text().match(pattern);
            if (match === null) return;
            forget();
            resolve(match);
          },
          giveUp(how: string) {
            forget();
            reject(new Error(`${how} ${pattern}:\n${text()}`));
          },
        };
        const timer = setTimeout(() => waiter.giveUp(`has not printed within ${timeoutMs / 1000} s`), timeoutMs);
        const forget = () => {
          clearTimeout(timer);
          waiting.delete(waiter);
        };
        waiting.add(waiter);
        waiter.look();
        if (hasEnded && waiting.has(waiter)) waiter.giveUp('ended without printing');
      });
    },
  };
}
