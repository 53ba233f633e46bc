/** A queue whose reader waits for the next item. One reader at a time. */
export interface AsyncQueue<Item> {
  push(item: Item): void;
  /** Items that wait for a reader. */
  readonly length: number;
  /** Drops the items that wait for a reader. */
  clear(): void;
  /** Rejects with the error of `fail` once that was called; items queued before are dropped. */
  next(): Promise<Item>;
  /** Ends this and every later wait with `error`. The first failure wins. */
  fail(error: Error): void;
}

export function createAsyncQueue<Item>(): AsyncQueue<Item> {
  const items: Item[] = [];
  let reader: { resolve(item: Item): void; reject(error: Error): void } | undefined;
  let failure: Error | undefined;

  return {
    get length() {
      return items.length;
    },
    clear() {
      items.length = 0;
    },
    push(item) {
      if (reader === undefined) items.push(item);
      else {
        const { resolve } = reader;
        reader = undefined;
        resolve(item);
      }
    },
    next() {
      if (failure !== undefined) return Promise.reject(failure);
      const item = items.shift();
      if (item !== undefined) return Promise.resolve(item);
      return new Promise((resolve, reject) => {
        reader = { resolve, reject };
      });
    },
    fail(error) {
      failure ??= error;
      reader?.reject(failure);
      reader = undefined;
    },
  };
}
