/**
 * Lets the person's own ssh ask in hoptop's screen: ssh(1), SSH_ASKPASS. A small program in a private directory takes
 * the question to this process over a socket and the answer back; all of it is gone once ssh is in.
 */
import {randomBytes} from 'node:crypto';
import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {createServer, type Socket} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {Prompter} from '../prompter.ts';
import type {Report} from '../shell.ts';
import type {Secrets} from './secrets.ts';
import {clean} from './sentences.ts';

export type Askpass = {
  /** What ssh needs in its environment. */
  readonly env: Readonly<Record<string, string>>;
  end(): Promise<void>;
};

/** A question longer than this is cut. */
const LONGEST = 4096;

export async function createAskpass(
  node: string,
  prompter: Prompter,
  secrets: Secrets,
  report: Report,
  signal: AbortSignal,
): Promise<Askpass> {
  // Made with mode 0700.
  const directory = await mkdtemp(join(tmpdir(), 'hoptop-ask-'));
  const path = join(directory, 'socket');
  const token = randomBytes(16).toString('hex');
  const stop = new AbortController();
  const abandon = () => stop.abort();
  signal.addEventListener('abort', abandon, {once: true});

  /** What ssh was given for a question; it asks the same again where that was wrong. */
  const asking: Asking = {prompter, secrets, failed: new Map(), gaveUp: false};
  const answer = async (socket: Socket, asked: {token?: unknown; prompt?: unknown; kind?: unknown}) => {
    if (asked.token !== token) return socket.destroy();
    // Between two questions a connection may close: the next node's turn comes all the same.
    const leave = new AbortController();
    socket.once('close', () => leave.abort());
    report(`waiting for an answer about ${node}`, 'person');
    const waiting = AbortSignal.any([stop.signal, leave.signal]);
    const question = {node, prompt: String(asked.prompt ?? ''), kind: String(asked.kind ?? '')};
    const text = await ask(question, asking, waiting);
    report('connecting with ssh');
    return socket.end(text === undefined ? 'n' : `y${text}`);
  };
  const server = createServer(socket => {
    let heard = '';
    socket.on('error', () => {});
    socket.on('data', chunk => {
      heard += chunk.toString('utf8');
      if (heard.length > LONGEST * 2) return socket.destroy();
      const end = heard.indexOf('\n');
      if (end < 0) return undefined;
      try {
        void answer(socket, JSON.parse(heard.slice(0, end)));
      } catch {
        socket.destroy();
      }
      heard = '';
      return undefined;
    });
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve));
  await writeFile(join(directory, 'ask.cjs'), CLIENT, {mode: 0o600});
  const program = join(directory, 'ask');
  await writeFile(program, `#!/bin/sh\nexec "$HOPTOP_ASK_NODE" "$HOPTOP_ASK_SCRIPT" "$@"\n`, {mode: 0o700});

  return {
    env: {
      SSH_ASKPASS: program,
      SSH_ASKPASS_REQUIRE: 'force',
      // Without a display an older ssh does not ask this way.
      DISPLAY: process.env['DISPLAY'] ?? ':0',
      HOPTOP_ASK_NODE: process.execPath,
      HOPTOP_ASK_SCRIPT: join(directory, 'ask.cjs'),
      HOPTOP_ASK_SOCKET: path,
      HOPTOP_ASK_TOKEN: token,
    },
    async end() {
      signal.removeEventListener('abort', abandon);
      stop.abort();
      server.close();
      await rm(directory, {recursive: true, force: true});
    },
  };
}

/** Speaks one line of JSON to hoptop; `y` and a text comes back, or `n`. */
const CLIENT = `
const {connect} = require('node:net');
const {HOPTOP_ASK_SOCKET: path, HOPTOP_ASK_TOKEN: token, SSH_ASKPASS_PROMPT: kind} = process.env;
const socket = connect(path, () =>
  socket.write(JSON.stringify({token, kind, prompt: (process.argv[2] || '').slice(0, ${LONGEST})}) + '\\n'));
let heard = '';
socket.on('data', chunk => { heard += chunk; });
socket.on('error', () => process.exit(1));
socket.on('end', () => {
  if (heard[0] !== 'y') process.exit(1);
  process.stdout.write(heard.slice(1) + '\\n', () => process.exit(0));
});
`;

/** `kind` is ssh's SSH_ASKPASS_PROMPT: `confirm` wants yes or no, `none` only shows something. */
async function ask(
  {node, prompt, kind}: {readonly node: string; readonly prompt: string; readonly kind: string},
  asking: Asking,
  signal: AbortSignal,
): Promise<string | undefined> {
  const {prompter, secrets, failed} = asking;
  const lines = prompt
    .split(/\r?\n/)
    .map(line => clean(line, 300))
    .filter(line => line !== '');
  const title = `ssh asks, on its way to ${node}`;
  if (kind === 'none') {
    const shown = {title, lines, choices: [{key: 'Enter', label: 'seen', value: 'seen'}]};
    await prompter.ask(shown, signal);
    return '';
  }
  if (kind === 'confirm' || /\(yes\/no/i.test(prompt)) {
    const choices = [
      {key: 'y', label: 'yes', value: 'yes'},
      {key: 'n', label: 'no', value: 'no'},
    ];
    const said = await prompter.ask({title, lines, choices}, signal);
    if (kind === 'confirm') return said === 'yes' ? '' : undefined;
    return said;
  }
  // ssh would go on to its next way of logging in.
  if (asking.gaveUp) return undefined;
  const request = {
    title,
    lines: lines.slice(0, -1),
    inputs: [{label: lines.at(-1) ?? 'Answer:', masked: true}],
    covers: `ssh: ${prompt}`,
    about: {kind: 'login', of: node},
    all: 'give it to every ssh that asks the same, until hoptop ends',
  };
  const before = failed.get(prompt) ?? [];
  const texts = await secrets.ask(request, before, signal);
  if (texts) failed.set(prompt, [...before, texts]);
  else asking.gaveUp = true;
  return texts?.[0];
}

type Asking = {
  readonly prompter: Prompter;
  readonly secrets: Secrets;
  readonly failed: Map<string, (readonly string[])[]>;
  /** The person has taken a question of this dial back. */
  gaveUp: boolean;
};
