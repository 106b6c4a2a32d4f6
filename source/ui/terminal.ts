import {writeSync} from 'node:fs';

/** What ended the UI from outside, and the exit code that a shell gives for it (128 + signal number). */
const SIGNALS = {SIGHUP: 129, SIGINT: 130, SIGTERM: 143} as const;

/**
 * Leaves the alternate screen, shows the cursor, ends bracketed paste, resets attributes (xterm's DECSET 1049, 25,
 * 2004; ECMA-48 SGR 0). Doing it twice is harmless.
 */
const RESTORE = '\u001b[?2026l\u001b[0m\u001b[?2004l\u001b[?1049l\u001b[?25h';

/** Enters the alternate screen, empty, and hides the cursor, which nothing on screen is. */
export const TAKE = '\u001b[?1049h\u001b[2J\u001b[?25l';

/**
 * Watches for every way the process can end while the UI has the terminal. `ended` is called once: with an exit code
 * for a signal, with the error after a crash. The function that is returned stops watching.
 *
 * Without this, Node prints an uncaught error onto the alternate screen, where it vanishes with it.
 */
export function guardTerminal(ended: (code: number, error?: unknown) => void): () => void {
  const crashed = (error: unknown) => ended(1, error);
  const signalled = Object.entries(SIGNALS).map(([signal, code]) => [signal, () => ended(code)] as const);
  process.on('uncaughtException', crashed);
  process.on('unhandledRejection', crashed);
  for (const [signal, handler] of signalled) process.on(signal, handler);
  return () => {
    process.off('uncaughtException', crashed);
    process.off('unhandledRejection', crashed);
    for (const [signal, handler] of signalled) process.off(signal, handler);
  };
}

/** Gives the terminal back at once, however far Ink got; a terminal that is gone (SIGHUP) is no reason to fail. */
export function restoreTerminal(stdout: NodeJS.WritableStream): void {
  try {
    // Past the stream's queue: the process may end in the next moment.
    if ('fd' in stdout && typeof stdout.fd === 'number') writeSync(stdout.fd, RESTORE);
    else stdout.write(RESTORE);
  } catch {
    // EIO, EPIPE: nobody is looking any more.
  }
}

/**
 * Stops the whole process group, as the terminal does for Ctrl-Z when it is not in raw mode, so that the shell gets
 * its terminal back also when hoptop was started by npx. Goes on after SIGCONT, or at once where nothing can stop it
 * (a process group without a controlling shell).
 */
export async function stopUntilContinued(): Promise<void> {
  process.kill(0, 'SIGTSTP');
  await new Promise(resolve => setTimeout(resolve, 50));
}
