import {render} from 'ink';
import type {Answer} from '../questions/answer.ts';
import type {Question} from '../questions/question.ts';
import type {Session} from '../session.ts';
import type {View} from '../views/view.ts';
import {App} from './app.tsx';
import {inkOutput} from './canvas/ink-output.ts';
import {createSurface, sinkOf} from './canvas/surface.ts';
import type {MakeCommand} from './command.ts';
import {screenRows} from './screen.tsx';
import {makeStore} from './store.ts';
import {guardTerminal, restoreTerminal, stopUntilContinued, TAKE} from './terminal.ts';

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
  const store = makeStore(start, stdout.columns, stdout.rows);
  const surface = createSurface(sinkOf(stdout));
  let over: readonly string[] = [];
  const draw = () => surface.show(screenRows({ui: store.get(), colour, command}, over));
  const ink = inkOutput(stdout, text => {
    if (!store.get().prompt) return;
    // What a library says to the console stands before the frame.
    over = text.split('\n').slice(-store.get().rows);
    draw();
  });
  const forget = store.subscribe(draw);
  const suspend = (handOver: (stopped: () => Promise<void>) => Promise<void>) =>
    void handOver(async () => {
      restoreTerminal(stdout);
      await stopUntilContinued();
      stdout.write(TAKE);
      surface.forget();
      draw();
    });
  try {
    stdout.write(TAKE);
    draw();
    const app = render(
      <App
        session={session}
        store={store}
        toView={toView}
        colour={colour}
        command={command}
        quit={() => unmount()}
        suspend={suspend}
      />,
      {
        stdout: ink.stream,
        stdin,
        // Whole frames, as soon as there is one.
        debug: true,
        // Whether this is a terminal was decided by the caller. Ink would draw nothing where CI is set, even to "".
        interactive: true,
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
    forget();
    ink.end();
    await surface.close();
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
