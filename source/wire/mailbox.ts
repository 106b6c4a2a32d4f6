/** Things put in by several hands and taken out by one, in order. */
export type Mailbox<T> = AsyncIterableIterator<T, void> & {
  put(item: T): void;
  /** No more will be put in; what is in it can still be taken. */
  close(): void;
};

/** `onLeave` is called once, when the one who takes has seen the end or walks away. */
export function createMailbox<T>(onLeave: () => void = () => {}): Mailbox<T> {
  let items: T[] = [];
  let next = 0;
  let closed = false;
  let waiting: ((result: IteratorResult<T, void>) => void) | undefined;
  let left = false;
  const over = (): IteratorResult<T, void> => {
    if (!left) onLeave();
    left = true;
    return {done: true, value: undefined};
  };
  return {
    put(item) {
      if (closed) return;
      if (waiting) {
        const give = waiting;
        waiting = undefined;
        give({done: false, value: item});
      } else items.push(item);
    },
    close() {
      closed = true;
      waiting?.(over());
      waiting = undefined;
    },
    next() {
      if (next < items.length) {
        const value = items[next]!;
        next += 1;
        if (next === items.length) {
          items = [];
          next = 0;
        }
        return Promise.resolve({done: false, value});
      }
      if (closed) return Promise.resolve(over());
      return new Promise(resolve => {
        waiting = resolve;
      });
    },
    return() {
      closed = true;
      items = [];
      next = 0;
      const result = over();
      waiting?.(result);
      waiting = undefined;
      return Promise.resolve(result);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
