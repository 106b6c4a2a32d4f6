import {spawn} from 'node:child_process';
import {createRemoteSource, type RemoteOptions, type RemoteSource} from './remote.ts';
import {type Dial, DialError} from './shell.ts';

export type LocalOptions = Omit<RemoteOptions, 'nodes' | 'dial'> & {
  /** The id that this machine goes by. */
  readonly node: string;
  /** The POSIX shell to start, `/bin/sh` when not given. */
  readonly shell?: string;
};

/** This machine as a node, through the same shell and protocol as one that is far away. */
export function createLocalSource({node, shell = '/bin/sh', ...rest}: LocalOptions): RemoteSource {
  return createRemoteSource({nodes: [node], dial: localDial(shell), ...rest});
}

/**
 * Starts the shell in a session of its own, so that neither it nor `sudo` touches hoptop's terminal. `started` is told
 * the session's id, which is the shell's process id.
 */
export function localDial(program: string, started: (session: number) => void = () => {}): Dial {
  return (node, command, report, signal) =>
    new Promise((resolve, reject) => {
      signal.throwIfAborted();
      report('starting shell');
      const child = spawn(program, ['-c', command], {stdio: 'pipe', detached: true});
      const gone = new Promise<string>(tell => {
        child.once('error', problem =>
          tell(`${program} could not be run on this machine: ${problem.message}.`),
        );
        child.once('exit', (status, killed) =>
          tell(`The shell on ${node} (this machine) ended: ${killed ?? `status ${status}`}.`),
        );
      });
      child.once('error', problem =>
        reject(
          new DialError(
            `${program} could not be run on this machine: ${problem.message}. Is there such a shell?`,
            true,
          ),
        ),
      );
      child.once('spawn', () => {
        started(child.pid!);
        resolve({
          stdin: child.stdin,
          stdout: child.stdout,
          stderr: child.stderr,
          gone,
          // The shell ends by itself when its input ends, or what it writes is read no more.
          end() {
            child.stdin.destroy();
            child.stdout.destroy();
            child.stderr.destroy();
          },
        });
      });
    });
}
