import {render} from 'ink';
import type {Answer} from '../questions/answer.ts';
import type {Question} from '../questions/question.ts';
import type {Session} from '../session.ts';
import type {View} from '../views/view.ts';
import {App} from './app.tsx';
import type {MakeCommand} from './command.ts';
import {guardTerminal, restoreTerminal} from './terminal.ts';

export type UiOptions = {
  /** The first screen. */
  readonly start: Question;
  readonly toView: (answer: Answer) => View;
  /** False for `--no-color` or a NO_COLOR that is not empty; attributes like bold and inverse are still used. */
  readonly colour: boolean;
  /**
   * Makes a command that prints an answer out of its words (`pod shop/web-1`), with what chooses the source; `at`, ISO 8601, is the
   * moment of a recording that the answer on screen is of.
   * @default words => `hoptop ${words}`
   */
  readonly command?: MakeCommand;
  /** @default process.stdout; must be a terminal */
  readonly stdout?: NodeJS.WriteStream;
  /** @default process.stdin; must be a terminal */
  readonly stdin?: NodeJS.ReadStream;
};

/**
 * Shows the UI on the alternate screen until the person quits or a signal or error ends it; the terminal is restored
 * in every case. Resolves with the exit code: 0, 128 + signal, or 1 after a crash, whose error is then printed to
 * standard error. The session is left open: whoever made it closes it.
 */
export async function openUi(session: Session, options: UiOptions): Promise<number> {
  const {start, toView, colour, stdout = process.stdout, stdin = process.stdin} = options;
  const command: MakeCommand = options.command ?? (words => `hoptop ${words}`);
  let code = 0;
  let failure: unknown;
  // A terminal that went away makes writes fail; the signal that says so follows.
  const ignore = () => {};
  stdout.on('error', ignore);
  stdin.on('error', ignore);
  let unmount = () => {};
  const unguard = guardTerminal((end, error) => {
    code = end;
    failure ??= error;
    unmount();
  });
  try {
    const app = render(
      <App
        session={session}
        start={start}
        toView={toView}
        colour={colour}
        command={command}
        quit={() => unmount()}
      />,
      {
        stdout,
        stdin,
        alternateScreen: true,
        // Whether this is a terminal was decided by the caller. Ink would draw nothing where CI is set, even to "".
        interactive: true,
        incrementalRendering: true,
        // The default of 30 makes held keys wait.
        maxFps: 60,
        exitOnCtrlC: false,
        // Stray console output would tear the frame; on another stream than ours there is nothing to protect.
        patchConsole: stdout === process.stdout,
      },
    );
    unmount = app.unmount;
    await app.waitUntilExit();
  } catch (error) {
    code = 1;
    failure ??= error;
  } finally {
    unguard();
    restoreTerminal(stdout);
    stdout.off('error', ignore);
    stdin.off('error', ignore);
  }
  if (failure !== undefined) {
    const said = failure instanceof Error ? (failure.stack ?? failure.message) : String(failure);
    process.stderr.write(`hoptop stopped because of a fault of its own. Please report this:\n${said}\n`);
  }
  return code;
}
