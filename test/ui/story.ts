import type {Question} from '../../source/questions/question.ts';
import type {MakeCommand} from '../../source/ui/command.ts';
import {openUi} from '../../source/ui/open.tsx';
import type {FakeSession} from './fake-session.ts';
import {fakeTerminal} from './terminal.ts';

/** What a terminal sends for a key. */
const BYTES: Record<string, string> = {
  Enter: '\r',
  Esc: '\u001b',
  Tab: '\t',
  Backspace: '\u007f',
  Up: '\u001b[A',
  Down: '\u001b[B',
  PageDown: '\u001b[6~',
  PageUp: '\u001b[5~',
  Home: '\u001b[H',
  End: '\u001b[F',
  'Ctrl-C': '\u0003',
  Space: ' ',
};

export type Story = {
  /** Presses keys one after the other: names of keys, or text that arrives in one piece. */
  press(...keys: string[]): Promise<void>;
  /** Waits until the frame shows this, and returns it; fails with the last frame when it never does. */
  shows(what: string | RegExp, marks?: boolean): Promise<string>;
  /** The frame now, after everything pending was drawn. */
  frame(marks?: boolean): Promise<string>;
  resize(columns: number, rows: number): void;
  written(): string;
  /** Resolves with the exit code once the UI has ended. */
  readonly ended: Promise<number>;
};

/** Opens the whole UI on an emulated terminal of this size. */
export function story(
  session: FakeSession,
  columns: number,
  rows: number,
  start: Question = {name: 'overview', words: []},
  command?: MakeCommand,
): Story {
  const terminal = fakeTerminal(columns, rows);
  const ended = openUi(session, {
    start,
    toView: session.toView,
    colour: true,
    ...(command ? {command} : {}),
    stdout: terminal.stdout,
    stdin: terminal.stdin,
  });
  // Longer than Ink waits for the rest of an escape sequence (20 ms) and than one frame (17 ms).
  const settle = () => new Promise(resolve => setTimeout(resolve, 60));
  const frame = async (marks?: boolean) => {
    await settle();
    return terminal.frame(marks);
  };
  return {
    ended,
    frame,
    written: terminal.written,
    resize: terminal.resize,
    async press(...keys) {
      for (const key of keys) {
        terminal.type(BYTES[key] ?? key);
        await settle();
      }
    },
    async shows(what, marks) {
      let last = '';
      for (let tries = 0; tries < 50; tries++) {
        last = await frame(marks);
        if (typeof what === 'string' ? last.includes(what) : what.test(last)) return last;
      }
      throw new Error(`The screen never showed ${what}. It showed:\n${last}`);
    },
  };
}
