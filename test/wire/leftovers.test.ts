/** Nothing stays on a node, however the link to it ends. Every process of the shell's session is looked for. */
import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {setTimeout as pause} from 'node:timers/promises';
import {expect, test} from 'vitest';
import {agentText, bootCommand, requestText} from '../../source/wire/agent.ts';
import {localDial} from '../../source/wire/local.ts';
import {callText, sweepText} from '../../source/wire/script.ts';
import type {Read} from '../../source/wire/source.ts';
import {reader} from './contract.ts';
import {sessionOf, untilEmpty} from './sessions.ts';

const nonce = 'ab'.repeat(16);
const quiet = new AbortController().signal;

/** A shell with the agent in it and nobody reading what it writes. */
async function start(idle: number) {
  let session = 0;
  const dial = localDial('/bin/sh', pid => {
    session = pid;
  });
  const shell = await dial('here', bootCommand, () => {}, quiet);
  for (const stream of [shell.stdin, shell.stdout, shell.stderr]) stream.on('error', () => {});
  shell.stdin.write(agentText(nonce, idle));
  return {shell, session};
}

const request = (seconds: number, ...readers: Read['reader'][]) => {
  const reads = readers.map((each): Read => ({node: 'here', reader: each, scope: each.scope}));
  return requestText(nonce, {define: sweepText(0, reads), call: callText(0, 1, seconds, reads, () => [])});
};

const untilRunning = async (session: number, name: string) => {
  for (let tries = 0; tries < 100; tries++) {
    if (sessionOf(session).some(each => each.includes(`(${name})`))) return;
    await pause(20);
  }
  throw new Error(`${name} was never seen: ${sessionOf(session).join(', ')}`);
};

test('input ends while it waits', async () => {
  const {shell, session} = await start(60);
  await once(shell.stdout, 'readable');
  await untilRunning(session, 'timeout');
  shell.stdin.end();
  await untilEmpty(session, 3);
});

test('both ends of the pipes are closed in the middle of a command', async () => {
  const {shell, session} = await start(60);
  shell.stdin.write(request(60, reader('slow', 'sleep 100; sleep 100', {timeout: 2})));
  await untilRunning(session, 'sleep');
  shell.end();
  await untilEmpty(session);
});

test('the link falls silent while it waits: it ends by itself', async () => {
  const {shell, session} = await start(1);
  await once(shell.stdout, 'readable');
  await untilEmpty(session);
  expect(await shell.gone).toContain('ended');
});

test('half a request, then silence: it ends by itself', async () => {
  const {shell, session} = await start(1);
  shell.stdin.write(request(60, reader('one', 'echo 1')).slice(0, 40));
  await once(shell.stdout, 'readable');
  await untilEmpty(session);
});

test('nobody takes what it writes: it ends when the sweep has taken too long', async () => {
  const {shell, session} = await start(60);
  shell.stdin.write(request(2, reader('flood', 'yes', {limit: 1 << 30, timeout: 60})));
  await untilRunning(session, 'yes');
  await untilEmpty(session);
});

test('nobody takes its standard error either', async () => {
  const {shell, session} = await start(60);
  shell.stdin.write(request(2, reader('flood', 'yes >&2', {timeout: 60})));
  await untilRunning(session, 'yes');
  await untilEmpty(session);
});

test('hoptop is killed in the middle of a sweep', async () => {
  const code = `
    import {createRemoteSource} from ${JSON.stringify(new URL('../../source/wire/remote.ts', import.meta.url).href)};
    import {localDial} from ${JSON.stringify(new URL('../../source/wire/local.ts', import.meta.url).href)};
    const source = createRemoteSource({nodes: ['here'], dial: localDial('/bin/sh', pid => console.log(pid))});
    const reader = {name: 'slow@1', fact: 'slow', scope: 'node', command: 'yes | cat >/dev/null', why: '', limit: 9, timeout: 2};
    for await (const event of source.sweep([{node: 'here', reader, scope: 'node'}], new AbortController().signal));
  `;
  const client = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(client.stdout, 'data')) as [Buffer];
  const session = Number(line.toString());
  await untilRunning(session, 'yes');
  client.kill('SIGKILL');
  await untilEmpty(session);
});
