/** Runs the machine's own tools for the lab. */
import {spawn} from 'node:child_process';

/** A tool that could not be run or that failed; the message is a sentence with what it said. */
export class ToolError extends Error {}

/**
 * Runs a command to its end and gives its standard output.
 * @throws ToolError when it cannot be started or exits with anything but 0.
 */
export const run = (
  argv: readonly string[],
  {input = '', signal}: {input?: string | Uint8Array; signal?: AbortSignal | undefined} = {},
) =>
  new Promise<string>((resolve, reject) => {
    const [command, ...rest] = argv as [string, ...string[]];
    const child = spawn(command, rest, {stdio: ['pipe', 'pipe', 'pipe'], ...(signal && {signal})});
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', text => {
      out += text;
    });
    child.stderr.setEncoding('utf8').on('data', text => {
      err += text;
    });
    child.on('error', cause =>
      reject(new ToolError(`\`${argv.join(' ')}\` did not run: ${cause.message}.`, {cause})),
    );
    child.on('close', (code, killed) =>
      code === 0
        ? resolve(out)
        : reject(
            new ToolError(
              `\`${argv.join(' ')}\` ended with ${killed ?? `status ${code}`}: ${err.trim() || out.trim()}`,
            ),
          ),
    );
    child.stdin.on('error', () => {}); // it may end without reading; its exit status tells
    child.stdin.end(input);
  });

/** Whether ip(8) knows a network namespace of this name. */
export const hasNetns = async (name: string) =>
  (await run(['ip', 'netns', 'list'])).split('\n').some(line => line.split(' ')[0] === name);

/** `ip -batch`: one process for many lines, in the network namespace of a process. */
export const ipBatch = (pid: number, lines: readonly string[], signal?: AbortSignal) =>
  run(['nsenter', '-t', String(pid), '-n', 'ip', '-batch', '-'], {input: `${lines.join('\n')}\n`, signal});

/**
 * Tries until `attempt` does not throw.
 * @throws the last error, after `seconds`.
 */
export const eventually = async <T>(
  seconds: number,
  attempt: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> => {
  for (const end = Date.now() + seconds * 1000; ; ) {
    try {
      return await attempt();
    } catch (error) {
      signal?.throwIfAborted();
      if (Date.now() > end) throw error;
    }
    await new Promise(resolve => setTimeout(resolve, 100));
  }
};

/**
 * Like Promise.all, but waits for all of them also when one fails, so that nothing is still being made when the
 * caller clears up.
 * @throws the first error
 */
export const together = async <T extends readonly unknown[]>(
  works: {[K in keyof T]: Promise<T[K]>},
): Promise<T> => {
  const done = await Promise.allSettled(works);
  for (const each of done) if (each.status === 'rejected') throw each.reason;
  return (await Promise.all(works)) as unknown as T;
};
