import {write} from 'node:fs';
import type {Row} from './cells.ts';
import {difference} from './difference.ts';

/** What takes frames to a terminal. */
export type Surface = {
  /** Shows these rows as soon as the terminal has taken what was written before; what comes meanwhile replaces them. */
  show(rows: readonly Row[]): void;
  /** Forgets what the terminal shows, so that all of the next frame is written: after a resize, a suspension. */
  forget(): void;
  /** Resolves when what was shown last has been written, or cannot be. Nothing is written afterwards. */
  close(): Promise<void>;
};

/** Begin and end of a synchronized update (DEC private mode 2026): terminals that know it show a frame in one go. */
const BEGIN = '\u001b[?2026h';
const END = '\u001b[?2026l';

/** Milliseconds until a terminal that takes nothing just now is tried again. */
const FULL = 5;

/** Takes all of the text to the terminal, and then says so; an error where nothing more can be written. */
export type Sink = (text: string, done: (error?: Error | null) => void) => void;

/**
 * Beside Node's stream for a terminal, which blocks the whole program while a slow one reads. A stream without a file
 * descriptor is written to as it is.
 */
export function sinkOf(stream: NodeJS.WriteStream): Sink {
  const {fd} = stream as {fd?: number};
  if (fd === undefined) return (text, done) => void stream.write(text, done);
  const send = (bytes: Buffer, from: number, done: (error?: Error | null) => void) =>
    write(fd, bytes, from, bytes.length - from, null, (error, count) => {
      if (error?.code === 'EAGAIN') setTimeout(send, FULL, bytes, from, done);
      else if (!error && from + count < bytes.length) send(bytes, from + count, done);
      else done(error);
    });
  return (text, done) => send(Buffer.from(text), 0, done);
}

/** Frames that a slow terminal has no time for are dropped, never queued, so that keys are answered all the same. */
export function createSurface(sink: Sink): Surface {
  let shown: readonly Row[] | undefined;
  let next: readonly Row[] | undefined;
  let writing = false;
  let closed = false;
  let idle = () => {};

  function pump(): void {
    if (writing || next === undefined || closed) return;
    const rows = next;
    next = undefined;
    const known = shown?.length === rows.length && shown[0]?.glyphs.length === rows[0]?.glyphs.length;
    const text = difference(known ? shown : undefined, rows);
    shown = rows;
    if (text === '') return;
    writing = true;
    sink(`${BEGIN}${text}${END}`, error => {
      writing = false;
      // Whoever hung up is told by a signal; there is nobody to show anything to.
      if (error) closed = true;
      pump();
      if (!writing) idle();
    });
  }

  return {
    show(rows) {
      next = rows;
      pump();
    },
    forget() {
      shown = undefined;
    },
    close() {
      return new Promise(resolve => {
        const end = () => {
          closed = true;
          resolve();
        };
        if (writing) idle = end;
        else end();
      });
    },
  };
}
