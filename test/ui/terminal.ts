import {EventEmitter} from 'node:events';
import {PassThrough} from 'node:stream';
import xterm from '@xterm/headless';

/**
 * A terminal without a terminal: what Ink writes goes through a real emulator, so that a frame is what a person
 * sees. ink-testing-library fixes 100 columns and skips cursor movements.
 */
export type FakeTerminal = {
  readonly stdout: NodeJS.WriteStream;
  readonly stdin: NodeJS.ReadStream;
  /** Everything that was written, escape sequences included. */
  written(): string;
  /** The screen as text, without trailing spaces; inverse lines are wrapped in `⟦ ⟧` when `marks` is set. */
  frame(marks?: boolean): Promise<string>;
  type(bytes: string): void;
  resize(columns: number, rows: number): void;
};

export function fakeTerminal(columns: number, rows: number): FakeTerminal {
  const screen = new xterm.Terminal({cols: columns, rows, allowProposedApi: true});
  let all = '';
  const stdout = Object.assign(new EventEmitter(), {
    columns,
    rows,
    isTTY: true,
    writable: true,
    write(data: string | Uint8Array, done?: unknown, more?: unknown) {
      const text = String(data);
      all += text;
      // The line discipline of a real terminal (ONLCR) turns a line feed into both.
      screen.write(text.replaceAll(/\r?\n/g, '\r\n'));
      const callback = typeof done === 'function' ? done : more;
      if (typeof callback === 'function') queueMicrotask(() => callback());
      return true;
    },
  });
  const stdin = Object.assign(new PassThrough(), {
    isTTY: true,
    isRaw: false,
    setRawMode() {
      return this;
    },
    ref() {
      return this;
    },
    unref() {
      return this;
    },
  });
  return {
    stdout: stdout as unknown as NodeJS.WriteStream,
    stdin: stdin as unknown as NodeJS.ReadStream,
    written: () => all,
    async frame(marks = false) {
      await new Promise<void>(done => screen.write('', done));
      const {active} = screen.buffer;
      return Array.from({length: screen.rows}, (_, y) => {
        const line = active.getLine(active.viewportY + y);
        // What a narrower screen no longer shows is still in the emulator's buffer.
        const text = line?.translateToString(true, 0, screen.cols) ?? '';
        return marks && line?.getCell(1)?.isInverse() ? `⟦${text.trimEnd()}⟧` : text.trimEnd();
      }).join('\n');
    },
    type: bytes => {
      stdin.write(bytes);
    },
    resize(nextColumns, nextRows) {
      screen.resize(nextColumns, nextRows);
      Object.assign(stdout, {columns: nextColumns, rows: nextRows});
      stdout.emit('resize');
    },
  };
}
