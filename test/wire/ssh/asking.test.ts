/** What only a person knows: passphrases, passwords, one-time codes; against real servers. */
import {execFileSync} from 'node:child_process';
import {once} from 'node:events';
import {readFileSync, rmSync, writeFileSync} from 'node:fs';
import type {AddressInfo} from 'node:net';
import {join} from 'node:path';
import ssh2, {type KeyboardAuthContext} from 'ssh2';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import type {Prompt} from '../../../source/wire/prompt.ts';
import {createPrompter, type Prompter} from '../../../source/wire/prompter.ts';
import {createRemoteSource} from '../../../source/wire/remote.ts';
import {sshDial} from '../../../source/wire/ssh/dial.ts';
import {dialNode, hello, knownHosts, refusal, type Setup, say, target} from './setup.ts';
import {makeKey, missing, type Sshd, startSshd, temporary} from './sshd.ts';

/** crypt(3) of "correct horse". */
const HASH =
  '$6$hoptop$IxMJe28pKoBk0EpBEjTQXvPIlYvCTede6uZKaofup3wRJN5cQZaUHLu.poWlgNqg3L5MI1Go5mB.xUngdDTiz/';

/** Answers what it is asked from a list; each is typed and left with the choice named after it. */
function person(
  ...answers: readonly (readonly [text: string, choice?: 'once' | 'all' | 'cancel' | 'cancel-all'])[]
) {
  const prompter = createPrompter();
  const asked: Prompt[] = [];
  const left = [...answers];
  prompter.prompts(prompt => {
    if (!prompt) return;
    asked.push(prompt);
    const [text, choice = 'once'] = left.shift() ?? ['', 'cancel'];
    setImmediate(() => prompter.answer(prompt.id, choice, text));
  });
  return {prompter: prompter as Prompter, asked, titles: () => asked.map(({title}) => title)};
}

describe.skipIf(missing())('asking the person, against a real sshd', () => {
  let sshd: Sshd;
  let directory: string;
  let known: string;
  const path = (name: string) => join(directory, name);

  beforeAll(async () => {
    directory = temporary();
    sshd = await startSshd(
      {PasswordAuthentication: 'yes', KbdInteractiveAuthentication: 'no'},
      {users: [['hopuser', '/bin/sh', HASH]]},
    );
    known = knownHosts(directory, sshd.known);
    for (const type of ['ed25519', 'ecdsa', 'rsa']) sshd.authorize(makeKey(path(type), type, 'open sesame'));
    execFileSync('ssh-keygen', ['-q', '-t', 'rsa', '-m', 'PEM', '-N', 'open sesame', '-f', path('pem')]);
    sshd.authorize(readFileSync(path('pem.pub'), 'utf8').trim());
    makeKey(path('stranger'), 'ed25519', 'open sesame');
    // RSA keys take their time on a busy machine.
  }, 60_000);
  afterAll(async () => {
    await sshd.stop();
    rmSync(directory, {recursive: true});
  });
  const go = (setup: Setup = {}, user = 'root') =>
    dialNode(target(sshd, user), {...setup, flags: {'known-hosts': known, ...setup.flags}});

  test.each(['ed25519', 'ecdsa', 'rsa', 'pem'])(
    'an encrypted %s key: the passphrase is asked for',
    async type => {
      const {prompter, asked} = person(['wrong'], ['open sesame']);
      expect(await hello(go({prompter, flags: {identity: [path(type)]}}))).toBe('hello from root');
      expect(asked).toHaveLength(2);
      expect(asked[0]).toMatchObject({
        title: `Passphrase of the key ${path(type)}?`,
        input: {label: 'Passphrase:', masked: true},
      });
      expect(asked[1]!.lines).toContain('What was given before was not accepted.');
    },
  );

  test('a key whose public half is nowhere', async () => {
    rmSync(path('pem.pub'));
    const {prompter, asked} = person(['open sesame']);
    expect(await hello(go({prompter, flags: {identity: [path('pem')]}}))).toBe('hello from root');
    expect(asked).toHaveLength(1);
  });

  test('nothing is asked for a key that the server would not take', async () => {
    const {prompter, asked} = person([''], [''], ['']);
    const setup = {prompter, flags: {identity: [path('stranger')]}};
    const config = path('no-password');
    writeFileSync(config, 'PasswordAuthentication no\n');
    const error = await refusal(go({...setup, flags: {...setup.flags, 'ssh-config': config}}));
    expect(error.message).toContain('does not accept for root any key that was tried');
    expect(asked).toEqual([]);
  });

  test('three wrong passphrases, or none, are told', async () => {
    const config = path('no-password');
    writeFileSync(config, 'PasswordAuthentication no\n');
    const flags = {identity: [path('ed25519')], 'ssh-config': config};
    const wrong = person(['a'], ['b'], ['c'], ['d']);
    const error = await refusal(go({prompter: wrong.prompter, flags}));
    expect(wrong.asked).toHaveLength(3);
    expect(error.message).toContain(`The passphrase was not given for ${path('ed25519')}.`);
    const none = person();
    await refusal(go({prompter: none.prompter, flags}));
    expect(none.asked).toHaveLength(1);
  });

  test('one passphrase for every node: twenty dials at once ask one question', async () => {
    const {prompter, asked} = person(['open sesame', 'all']);
    const names = Array.from({length: 20}, (_, n) => `n${n}`);
    const dial = sshDial({
      targets: new Map(names.map(name => [name, target(sshd)])),
      flags: {'ssh-config': 'none', 'known-hosts': known, identity: [path('ed25519')]},
      prompter,
      env: {},
      home: '/nonexistent',
    });
    const never = new AbortController().signal;
    // Few at a time, as the source does it: sshd drops connections beyond its MaxStartups.
    for (let at = 0; at < names.length; at += 5) {
      const shells = await Promise.all(
        names.slice(at, at + 5).map(name => dial(name, 'exec sh', () => {}, never)),
      );
      for (const shell of shells) {
        expect(await say(shell, 'echo here')).toBe('here');
        shell.end();
      }
    }
    expect(asked).toHaveLength(1);
  });

  test('fifty nodes at once, one password for all: one question, all are reached', async () => {
    const busy = await startSshd(
      {PasswordAuthentication: 'yes', KbdInteractiveAuthentication: 'no', MaxStartups: '100'},
      {users: [['hopuser', '/bin/sh', HASH]]},
    );
    const {prompter, asked} = person(['wrong', 'all'], ['correct horse', 'all']);
    const names = Array.from({length: 50}, (_, n) => `n${n}`);
    const dial = sshDial({
      targets: new Map(names.map(name => [name, target(busy, 'hopuser')])),
      flags: {'ssh-config': 'none', 'known-hosts': knownHosts(busy.directory, busy.known)},
      prompter,
      env: {},
      home: '/nonexistent',
    });
    const source = createRemoteSource({nodes: names, dial});
    const ready = new Set<string>();
    const stop = new AbortController();
    for await (const event of source.events(stop.signal)) {
      if (event.state === 'lost') throw new Error(event.cause);
      if (event.state === 'ready') ready.add(event.node);
      if (ready.size === names.length) stop.abort();
    }
    await source.close();
    await busy.stop();
    // The wrong one costs one question more, not one for each node.
    expect(asked).toHaveLength(2);
  });

  test('fifty nodes at once, cancelled for all: one question; whoever is dialled by hand asks again', async () => {
    const busy = await startSshd(
      {PasswordAuthentication: 'yes', KbdInteractiveAuthentication: 'no', MaxStartups: '100'},
      {users: [['hopuser', '/bin/sh', HASH]]},
    );
    const {prompter, asked} = person(['', 'cancel-all'], ['correct horse', 'all']);
    const names = Array.from({length: 50}, (_, n) => `n${n}`);
    const dial = sshDial({
      targets: new Map(names.map(name => [name, target(busy, 'hopuser')])),
      flags: {'ssh-config': 'none', 'known-hosts': knownHosts(busy.directory, busy.known)},
      prompter,
      env: {},
      home: '/nonexistent',
    });
    const source = createRemoteSource({nodes: names, dial});
    const lost = new Set<string>();
    for await (const event of source.events(new AbortController().signal)) {
      if (event.state === 'lost') lost.add(event.node);
      if (event.state === 'lost') expect(event.cause).toContain('You did not answer');
      if (lost.size === names.length) break;
    }
    expect(asked).toHaveLength(1);
    source.redial();
    const ready = new Set<string>();
    for await (const event of source.events(new AbortController().signal)) {
      if (event.state === 'ready') ready.add(event.node);
      if (ready.size === names.length) break;
    }
    expect(asked).toHaveLength(2);
    await source.close();
    await busy.stop();
  });

  test('questions of several nodes come one at a time', async () => {
    let open = 0;
    const prompter = createPrompter();
    const titles: string[] = [];
    prompter.prompts(prompt => {
      if (!prompt) {
        open = 0;
        return;
      }
      open += 1;
      expect(open).toBe(1);
      titles.push(prompt.title);
      setTimeout(() => prompter.answer(prompt.id, 'once', 'correct horse'), 5);
    });
    const dials = Array.from({length: 5}, () => go({prompter}, 'hopuser').then(shell => shell.end()));
    await Promise.all(dials);
    expect(titles).toHaveLength(5);
  });

  test('a password: wrong, then right', async () => {
    const {prompter, asked} = person(['battery staple'], ['correct horse']);
    expect(await hello(go({prompter}, 'hopuser'))).toMatch(/hello from (hopuser|64000)/);
    expect(asked.map(({title}) => title)).toEqual([
      `Password of hopuser on n (127.0.0.1:${sshd.port})?`,
      `Password of hopuser on n (127.0.0.1:${sshd.port})?`,
    ]);
    expect(asked[0]!.input).toEqual({label: 'Password:', masked: true});
  });

  test('passwords that are refused, a question that is cancelled, and nobody to ask', async () => {
    const wrong = person(['a'], ['b'], ['c'], ['d']);
    const error = await refusal(go({prompter: wrong.prompter}, 'hopuser'));
    expect(wrong.asked).toHaveLength(3);
    expect(error.final).toBe(true);
    expect(error.message).toContain('the password that was given');
    const cancelled = await refusal(go({prompter: person().prompter}, 'hopuser'));
    expect(cancelled.message).toContain('You did not answer what n');
    expect(cancelled.final).toBe(true);
    const alone = await refusal(go({}, 'hopuser'));
    expect(alone.final).toBe(true);
    expect(alone.message).toContain("open hoptop's UI (--ui), which asks for it");
    const config = path('batch');
    writeFileSync(config, 'BatchMode yes\n');
    const batch = person(['correct horse']);
    await refusal(go({prompter: batch.prompter, flags: {'ssh-config': config}}, 'hopuser'));
    expect(batch.asked).toEqual([]);
  });

  test('a key and then a password', async () => {
    const strict = await startSshd(
      {AuthenticationMethods: 'publickey,password', PasswordAuthentication: 'yes'},
      {users: [['hopuser', '/bin/sh', HASH]]},
    );
    const key = path('plain');
    strict.authorize(makeKey(key));
    const flags = {'known-hosts': knownHosts(strict.directory, strict.known), identity: [key]};
    const {prompter, asked} = person(['correct horse']);
    expect(await hello(dialNode(target(strict, 'hopuser'), {prompter, flags}))).toContain('hello');
    expect(asked).toHaveLength(1);
    await strict.stop();
  });

  test('keyboard-interactive through PAM', async () => {
    const pam = await startSshd(
      {UsePAM: 'yes', KbdInteractiveAuthentication: 'yes'},
      {users: [['hopuser', '/bin/sh', HASH]]},
    );
    const flags = {'known-hosts': knownHosts(pam.directory, pam.known)};
    const {prompter, asked} = person(['nonsense'], ['correct horse']);
    expect(await hello(dialNode(target(pam, 'hopuser'), {prompter, flags}))).toContain('hello');
    expect(asked.at(-1)).toMatchObject({
      title: `n (127.0.0.1:${pam.port}) asks hopuser`,
      input: {label: 'Password:', masked: true},
    });
    await pam.stop();
  });

  test('StrictHostKeyChecking no: a changed key passes with a warning, and no password goes there', async () => {
    const config = path('off');
    writeFileSync(config, 'StrictHostKeyChecking no\n');
    const other = makeKey(path('other-host'));
    const file = path('changed');
    writeFileSync(file, `[127.0.0.1]:${sshd.port} ${other}\n`);
    sshd.authorize(makeKey(path('open')));
    const flags = {'ssh-config': config, 'known-hosts': file, identity: [path('open')]};
    const shell = await go({flags});
    expect(shell.warnings).toEqual([expect.stringMatching(/^WARNING: the host key of n .* HAS CHANGED/)]);
    shell.end();
    expect(readFileSync(file, 'utf8')).toBe(`[127.0.0.1]:${sshd.port} ${other}\n`);
    const {prompter, asked} = person(['correct horse']);
    const error = await refusal(
      go({prompter, flags: {'ssh-config': config, 'known-hosts': file}}, 'hopuser'),
    );
    expect(asked).toEqual([]);
    expect(error.message).toContain('its host key is in doubt');
    const fresh = path('fresh');
    const first = await go({flags: {...flags, 'known-hosts': fresh}});
    expect(first.warnings).toEqual([expect.stringContaining('was not known and is trusted unchecked')]);
    first.end();
    const second = await go({flags: {...flags, 'known-hosts': fresh}});
    expect(second.warnings).toEqual([]);
    second.end();
  });
});

describe('keyboard-interactive with several prompts', () => {
  test('all in one turn, shown as the server says, hostile text taken out; a wrong code is asked for again', async () => {
    const directory = temporary();
    makeKey(join(directory, 'host'));
    let round = 0;
    const server = new ssh2.Server({hostKeys: [readFileSync(join(directory, 'host'))]}, client => {
      client.on('error', () => {});
      client.on('authentication', context => {
        if (context.method !== 'keyboard-interactive') return context.reject(['keyboard-interactive']);
        const keyboard = context as KeyboardAuthContext;
        round += 1;
        keyboard.prompt(
          [
            {prompt: '\u001b[31mPassword: ', echo: false},
            {prompt: 'Code shown on your token: ', echo: true},
          ],
          'Company login',
          'Round\u0007 the clock',
          answers => {
            if (answers?.[0] === 'pw' && answers[1] === '123456') context.accept();
            else context.reject(['keyboard-interactive']);
          },
        );
      });
      client.on('ready', () =>
        client.on('session', accept =>
          accept().on('exec', acceptExec => {
            const channel = acceptExec();
            channel.on('data', () => channel.write('hello from root\n'));
          }),
        ),
      );
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const {port} = server.address() as AddressInfo;
    const host = readFileSync(join(directory, 'host.pub'), 'utf8').split(' ').slice(0, 2).join(' ');
    const flags = {'known-hosts': knownHosts(directory, `[127.0.0.1]:${port} ${host}\n`)};
    const to = {host: '127.0.0.1', port, user: 'root'};
    const {prompter, asked} = person(['pw'], ['000000'], ['pw'], ['123456']);
    const shell = await dialNode(to, {prompter, flags});
    expect(await say(shell, 'hello')).toBe('hello from root');
    shell.end();
    expect(round).toBe(2);
    expect(asked.map(({input}) => input)).toEqual([
      {label: '[31mPassword:', masked: true},
      {label: 'Code shown on your token:', masked: false},
      {label: '[31mPassword:', masked: true},
      {label: 'Code shown on your token:', masked: false},
    ]);
    expect(asked[0]!.lines).toEqual(['Company login', 'Round  the clock']);
    const cancelled = await refusal(dialNode(to, {prompter: person(['pw'], ['', 'cancel']).prompter, flags}));
    expect(cancelled.message).toContain('You did not answer what n');
    const alone = await refusal(dialNode(to, {flags}));
    expect(alone.message).toContain('takes no keys for root, only keyboard-interactive');
    server.close();
    rmSync(directory, {recursive: true});
  });
});
