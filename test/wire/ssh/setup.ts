/** What every test that dials has in common: one node called `n`, asked for through the smallest configuration. */
import {readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {createPrompter, headless, type Prompter} from '../../../source/wire/prompter.ts';
import {DialError, type Shell} from '../../../source/wire/shell.ts';
import type {SshFlags} from '../../../source/wire/ssh/config.ts';
import {sshDial} from '../../../source/wire/ssh/dial.ts';
import type {Sshd} from './sshd.ts';

export type Setup = {
  readonly flags?: SshFlags;
  readonly prompter?: Prompter;
  readonly env?: Record<string, string>;
  readonly home?: string;
  readonly signal?: AbortSignal;
  readonly steps?: string[];
};

export const target = (sshd: Pick<Sshd, 'host' | 'port'>, user = 'root') => ({
  host: sshd.host,
  port: sshd.port,
  user,
});

/** Dials node `n` and starts a POSIX shell there. */
export function dialNode(to: ReturnType<typeof target> | string, setup: Setup = {}): Promise<Shell> {
  const dial = sshDial({
    targets: new Map([['n', to]]),
    flags: {'ssh-config': 'none', ...setup.flags},
    prompter: setup.prompter ?? headless,
    env: setup.env ?? {},
    home: setup.home ?? '/nonexistent',
  });
  return dial('n', 'exec sh', step => setup.steps?.push(step), setup.signal ?? new AbortController().signal);
}

/** What a dial was refused with. Fails when it was not. */
export async function refusal(dialling: Promise<Shell>): Promise<DialError> {
  try {
    (await dialling).end();
  } catch (error) {
    if (error instanceof DialError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

/** Sends one line to a shell and reads its answer up to the end of a line. */
export function say(shell: Shell, line: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let heard = '';
    const listen = (data: Buffer) => {
      heard += data;
      if (!heard.endsWith('\n')) return;
      shell.stdout.removeListener('data', listen);
      resolve(heard.trimEnd());
    };
    shell.stdout.on('data', listen);
    shell.stderr.resume();
    shell.gone.then(why => reject(new Error(why)));
    shell.stdin.write(`${line}\n`);
  });
}

/** Dials, asks for one word, and hangs up. */
export async function hello(dialling: Promise<Shell>): Promise<string> {
  const shell = await dialling;
  try {
    return await say(shell, 'echo hello from $(id -un)');
  } finally {
    shell.end();
    await shell.gone;
  }
}

export function knownHosts(directory: string, text: string): string {
  const file = join(directory, 'known_hosts');
  writeFileSync(file, text);
  return file;
}

/** A prompter that answers by itself, and what it was asked. */
export function scripted(answer: string): {prompter: Prompter; asked: string[]} {
  const prompter = createPrompter();
  const asked: string[] = [];
  prompter.prompts(prompt => {
    if (!prompt) return;
    asked.push([prompt.title, ...prompt.lines].join('\n'));
    setImmediate(() => prompter.answer(prompt.id, answer));
  });
  return {prompter, asked};
}

export const read = (file: string) => readFileSync(file, 'utf8');
