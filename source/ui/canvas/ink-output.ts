import {EventEmitter} from 'node:events';

/**
 * What Ink takes for its terminal: it has the size of the real one, and what is written to it goes to `wrote`, as text,
 * instead of the screen. Ink's debug mode writes whole frames; cursor, alternate screen and the like are ours.
 */
export function inkOutput(
  terminal: NodeJS.WriteStream,
  wrote: (text: string) => void,
): {readonly stream: NodeJS.WriteStream; readonly end: () => void} {
  const stream = new EventEmitter();
  Object.defineProperties(stream, {
    columns: {get: () => terminal.columns},
    rows: {get: () => terminal.rows},
  });
  Object.assign(stream, {
    isTTY: true,
    writable: true,
    write(data: string | Uint8Array, ...more: unknown[]) {
      wrote(String(data));
      const done = more.find(one => typeof one === 'function');
      if (done) queueMicrotask(done as () => void);
      return true;
    },
  });
  const resized = () => stream.emit('resize');
  terminal.on('resize', resized);
  return {stream: stream as NodeJS.WriteStream, end: () => terminal.off('resize', resized)};
}
