/** A person at a real pseudo-terminal: types keys into hoptop and reads what an emulator shows of it. */
import {setTimeout as sleep} from 'node:timers/promises';
import {spawn} from '@lydell/node-pty';
import xterm from '@xterm/headless';

/** What a terminal sends for a key. */
const BYTES: Record<string, string> = {
  Enter: '\r',
  Esc: '\u001b',
  Tab: '\t',
  Down: '\u001b[B',
};

export type Person = {
  /** Presses keys one after the other: names of keys, or text that arrives in one piece. */
  press(...keys: string[]): Promise<void>;
  /** Waits until the screen shows this, and gives it; fails with the last screen. */
  shows(what: string | RegExp, seconds?: number): Promise<string>;
  /** The screen now, one line a row. */
  frame(): Promise<string>;
  /** The row the cursor is on, which is drawn inverse. */
  cursor(): Promise<string>;
  /** Moves the cursor until it is on a row like this. */
  reaches(row: RegExp, key?: string): Promise<void>;
  /** Every byte that was written to the terminal, as text. */
  raw(): string;
  readonly pid: number;
  kill(signal?: string): void;
  readonly ended: Promise<number>;
};

/** Opens a command on a terminal of this size. */
export const person = (argv: readonly string[], columns = 120, rows = 40): Person => {
  const pty = spawn(argv[0]!, argv.slice(1), {
    cols: columns,
    rows,
    name: 'xterm-256color',
    env: {...(process.env as Record<string, string>), CI: ''},
  });
  const screen = new xterm.Terminal({cols: columns, rows, allowProposedApi: true});
  let raw = '';
  pty.onData(data => {
    raw += data;
    screen.write(data);
  });
  const ended = new Promise<number>(resolve => pty.onExit(({exitCode}) => resolve(exitCode)));
  const lines = async () => {
    await new Promise<void>(done => screen.write('', done));
    const {active} = screen.buffer;
    return Array.from({length: rows}, (_, y) => active.getLine(active.viewportY + y));
  };
  const frame = async () =>
    (await lines()).map(line => (line?.translateToString(true) ?? '').trimEnd()).join('\n');
  /** What is inverse between the rows of the header and those of the keys. */
  const cursor = async () => {
    const all = await lines();
    const y = all.findIndex((line, at) => at > 1 && at < rows - 2 && line?.getCell(1)?.isInverse());
    return {y, text: (all[y]?.translateToString(true) ?? '').trim()};
  };
  return {
    pid: pty.pid,
    raw: () => raw,
    ended,
    frame,
    kill: signal => pty.kill(signal),
    cursor: async () => (await cursor()).text,
    async reaches(row, key = 'Down') {
      for (let presses = 0; presses < 40; presses++) {
        const before = await cursor();
        if (row.test(before.text)) return;
        pty.write(BYTES[key] ?? key);
        // The next key only after this one is drawn: else it would go too far.
        for (let tries = 0; tries < 60 && (await cursor()).y === before.y; tries++) await sleep(50);
      }
      throw new Error(`The cursor never stood on ${row}:\n${await frame()}`);
    },
    async press(...keys) {
      for (const key of keys) {
        pty.write(BYTES[key] ?? key);
        // Longer than Ink waits for the rest of an escape sequence.
        await sleep(80);
      }
    },
    async shows(what, seconds = 15) {
      let last = '';
      for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(50)) {
        last = await frame();
        if (typeof what === 'string' ? last.includes(what) : what.test(last)) return last;
      }
      throw new Error(`The screen never showed ${what}. It showed:\n${last}`);
    },
  };
};
