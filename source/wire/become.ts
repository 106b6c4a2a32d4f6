/**
 * How reads come to run as root: by the login itself, `sudo -n`, `doas -n`, or sudo with a password that the person is
 * asked for. Only sudo ever reads the password, from its standard input (`sudo -S`, sudo(8)); it is in no command line,
 * no variable of a shell, no recording and no file.
 */
import type {Prompter} from './prompter.ts';
import {createSecrets} from './ssh/secrets.ts';

/** What is tried where the login is not root. `auto`: sudo, then doas, then sudo with a password. */
export const BECOME = ['auto', 'sudo', 'doas', 'none'] as const;
export type How = (typeof BECOME)[number];

/** Wrong passwords that are sent before reads go on as an ordinary user: as many as sudo itself takes. */
export const TRIES = 3;

export type Become = {
  readonly how: How;
  /** False when nobody can be asked, or the person has declined for this node. */
  mayAsk(node: string): boolean;
  /** The password for this node; undefined when the person declines: it is then not asked for again. */
  ask(node: string, signal: AbortSignal): Promise<string | undefined>;
  /** What was given last is not the password. */
  wrong(node: string): void;
  /** No password will do on this node: it is not asked for again. */
  refused(node: string): void;
};

/** Tries everything that needs nobody: what sources do that are given nothing else. */
export const unasking: Become = {
  how: 'auto',
  mayAsk: () => false,
  ask: async () => undefined,
  wrong: () => {},
  refused: () => {},
};

const COVERS = 'sudo';

/** Asks for sudo's password once a node, or once for all of them on request. Held in memory as long as hoptop runs. */
export function createBecome(how: How, prompter: Prompter): Become {
  const secrets = createSecrets(prompter);
  const own = new Map<string, string>();
  const last = new Map<string, string>();
  const failures = new Map<string, (readonly string[])[]>();
  const declined = new Set<string>();
  return {
    how,
    mayAsk: node => secrets.canAsk && (how === 'auto' || how === 'sudo') && !declined.has(node),
    async ask(node, signal) {
      const failed = failures.get(node) ?? [];
      const known = failed.length < TRIES ? own.get(node) : undefined;
      const texts =
        known !== undefined
          ? [known]
          : failed.length >= TRIES
            ? undefined
            : await secrets.ask(
                {
                  title: `Password for sudo on ${node}?`,
                  lines: [
                    'It shows what only root may read. It is sent to sudo alone, and kept nowhere but in memory.',
                    'Leave it empty to read as an ordinary user.',
                  ],
                  inputs: [{label: 'Password:', masked: true}],
                  covers: COVERS,
                  all: 'use it on every node',
                  about: {kind: 'sudo', of: node},
                },
                failed,
                signal,
              );
      const [password] = texts ?? [];
      if (password === undefined || password === '') {
        // What ended meanwhile by itself is not the person's word.
        if (!signal.aborted) declined.add(node);
        return undefined;
      }
      own.set(node, password);
      last.set(node, password);
      return password;
    },
    wrong(node) {
      const password = last.get(node);
      if (password === undefined) return;
      last.delete(node);
      own.delete(node);
      failures.set(node, [...(failures.get(node) ?? []), [password]]);
      secrets.forget(COVERS, [password]);
    },
    refused(node) {
      declined.add(node);
    },
  };
}
