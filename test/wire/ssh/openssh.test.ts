/** `--transport openssh`: what ssh2 cannot do, through the real client. The contract is in contract.test.ts. */
import {execFileSync, spawn} from 'node:child_process';
import {existsSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {createPrompter, headless, type Prompter} from '../../../source/wire/prompter.ts';
import type {Shell} from '../../../source/wire/shell.ts';
import type {SshFlags} from '../../../source/wire/ssh/config.ts';
import {opensshDial} from '../../../source/wire/ssh/openssh.ts';
import {hello, knownHosts, refusal, target} from './setup.ts';
import {freePort, makeKey, missing, type Sshd, startSshd, temporary} from './sshd.ts';

/** crypt(3) of "correct horse". */
const HASH =
  '$6$hoptop$IxMJe28pKoBk0EpBEjTQXvPIlYvCTede6uZKaofup3wRJN5cQZaUHLu.poWlgNqg3L5MI1Go5mB.xUngdDTiz/';

describe.skipIf(missing())('through the own ssh', () => {
  let sshd: Sshd;
  let directory: string;
  let known: string;
  const path = (name: string) => join(directory, name);
  const leftovers = () => readdirSync(tmpdir()).filter(name => name.startsWith('hoptop-ask-'));

  beforeAll(async () => {
    directory = temporary();
    sshd = await startSshd(
      {PasswordAuthentication: 'yes', KbdInteractiveAuthentication: 'no'},
      {users: [['hopuser', '/bin/sh', HASH]]},
    );
    known = knownHosts(directory, sshd.known);
    sshd.authorize(makeKey(path('id')));
    sshd.authorize(makeKey(path('locked'), 'ed25519', 'open sesame'));
  });
  afterAll(async () => {
    await sshd.stop();
    rmSync(directory, {recursive: true});
  });

  type How = {readonly flags?: SshFlags; readonly prompter?: Prompter; readonly ssh?: string};
  const go = (
    {flags = {}, prompter = headless, ssh}: How = {},
    to: ReturnType<typeof target> | string = target(sshd),
  ): Promise<Shell> =>
    opensshDial({
      targets: new Map([['n', to]]),
      flags: {'ssh-config': 'none', 'known-hosts': known, identity: [path('id')], ...flags},
      prompter,
      ...(ssh === undefined ? {} : {ssh}),
    })('n', 'exec sh', () => {}, new AbortController().signal);
  const config = (name: string, text: string) => {
    writeFileSync(path(name), text);
    return {'ssh-config': path(name)};
  };
  /** Answers by the words of the question. */
  const person = (answers: Readonly<Record<string, string>>) => {
    const prompter = createPrompter();
    const asked: string[] = [];
    prompter.prompts(prompt => {
      if (!prompt) return;
      const text = [prompt.title, ...prompt.lines, prompt.input?.label ?? ''].join('\n');
      asked.push(text);
      const found = Object.entries(answers).find(([words]) => text.includes(words))?.[1];
      setImmediate(() => {
        if (prompt.input) prompter.answer(prompt.id, found === undefined ? 'cancel' : 'once', found);
        else prompter.answer(prompt.id, found ?? 'no');
      });
    });
    return {prompter, asked};
  };

  test('a ProxyCommand', async () => {
    const flags = config(
      'proxied',
      `Host far\n  HostName far.invalid\n  HostKeyAlias [127.0.0.1]:${sshd.port}\n  User root\n  ProxyCommand ${process.execPath} -e "const s=require('net').connect(${sshd.port},'127.0.0.1');process.stdin.pipe(s);s.pipe(process.stdout)"\n`,
    );
    expect(await hello(go({flags}, 'far'))).toBe('hello from root');
  });

  test('jump hosts, with the same key and host keys; one that is itself the node is reached straight', async () => {
    const gates = [await startSshd(), await startSshd()] as const;
    for (const gate of gates) gate.authorize(readFileSync(path('id.pub'), 'utf8').trim());
    const all = join(directory, 'all known');
    writeFileSync(all, sshd.known + gates.map(gate => gate.known).join(''));
    const jump = gates.map(gate => `root@127.0.0.1:${gate.port}`).join(',');
    const flags = {jump, 'known-hosts': all};
    const logins = () => gates.map(gate => gate.log().split('Accepted publickey').length - 1);
    expect(await hello(go({flags}))).toBe('hello from root');
    expect(logins()).toEqual([1, 1]);
    expect(await hello(go({flags}, target(gates[1])))).toBe('hello from root');
    expect(logins()).toEqual([2, 2]);
    expect(await hello(go({flags}, target(gates[0])))).toBe('hello from root');
    expect(logins()).toEqual([3, 2]);
    for (const gate of gates) await gate.stop();
  });

  test('a host certificate of a trusted authority', async () => {
    const ca = path('ca');
    const authority = makeKey(ca);
    const port = await freePort();
    const own = await startSshd({}, {keyTypes: ['ed25519']});
    execFileSync('ssh-keygen', [
      '-q',
      '-s',
      ca,
      '-I',
      'host',
      '-h',
      '-n',
      '127.0.0.1',
      `${own.directory}/host_ed25519.pub`,
    ]);
    // The same host key, now with its certificate, on a server of its own.
    const file = path('sshd_config');
    const text = readFileSync(join(own.directory, 'sshd_config'), 'utf8');
    writeFileSync(
      file,
      `${text.replace(/^Port .*$/m, `Port ${port}`)}\nHostCertificate ${own.directory}/host_ed25519-cert.pub\n`,
    );
    const server = spawn('/usr/sbin/sshd', ['-D', '-f', file, '-E', path('cert.log')], {stdio: 'ignore'});
    own.authorize(readFileSync(path('id.pub'), 'utf8').trim());
    while (!existsSync(path('cert.log')) || !readFileSync(path('cert.log'), 'utf8').includes('listening'))
      await new Promise(resolve => setTimeout(resolve, 20));
    const trusting = path('ca-known');
    writeFileSync(trusting, `@cert-authority * ${authority}\n`);
    const to = {host: '127.0.0.1', port, user: 'root'};
    expect(await hello(go({flags: {'known-hosts': trusting}}, to))).toBe('hello from root');
    server.kill();
    await own.stop();
  });

  test('a password and a passphrase, asked for in the screen; nothing is left', async () => {
    const password = person({'password:': 'correct horse'});
    expect(
      await hello(go({prompter: password.prompter, flags: {identity: []}}, target(sshd, 'hopuser'))),
    ).toContain('hello');
    expect(password.asked.at(-1)).toContain("ssh asks, on its way to n\nhopuser@127.0.0.1's password:");
    const passphrase = person({'Enter passphrase for key': 'open sesame'});
    expect(await hello(go({prompter: passphrase.prompter, flags: {identity: [path('locked')]}}))).toBe(
      'hello from root',
    );
    expect(passphrase.asked).toHaveLength(1);
    expect(leftovers()).toEqual([]);
  });

  test('an unknown host key is asked about, and added as ssh does', async () => {
    const fresh = path('fresh');
    const {prompter, asked} = person({'(yes/no': 'yes'});
    expect(await hello(go({prompter, flags: {'known-hosts': fresh}}))).toBe('hello from root');
    expect(asked).toHaveLength(1);
    expect(readFileSync(fresh, 'utf8')).toContain('ssh-ed25519');
    const no = await refusal(go({prompter: person({}).prompter, flags: {'known-hosts': path('fresh-2')}}));
    expect(no.message).toContain('Host key verification failed');
    expect(no.final).toBe(true);
  });

  test('headless nothing waits: each is refused with a sentence', async () => {
    const key = await refusal(go({flags: {'known-hosts': path('none')}}));
    expect(key.final).toBe(true);
    expect(key.message).toMatch(
      /^ssh did not get to n \(.*Host key verification failed\.\): try `ssh -F none .*BatchMode/,
    );
    const secret = await refusal(go({flags: {identity: [path('locked')]}}, target(sshd, 'hopuser')));
    expect(secret.message).toMatch(/Permission denied .*: try `ssh .*ssh-add/);
    const closed = await refusal(go({}, {host: '127.0.0.1', port: await freePort(), user: 'root'}));
    expect(closed.final).toBe(false);
    expect(closed.message).toContain('Connection refused');
  });

  test('no ssh, a broken configuration, and one that is stopped on its way', async () => {
    const none = await refusal(go({ssh: '/nonexistent/ssh'}));
    expect(none.message).toContain('There is no program /nonexistent/ssh here');
    const broken = await refusal(go({flags: config('broken', 'Nonsense yes\n')}));
    expect(broken.message).toContain('Bad configuration option');
    const stop = new AbortController();
    const flags = config('endless', 'Host far\n  ProxyCommand sleep 100\n');
    const dialling = opensshDial({targets: new Map([['n', 'far']]), flags, prompter: headless})(
      'n',
      'exec sh',
      step => {
        if (step === 'connecting with ssh') setTimeout(() => stop.abort(), 100);
      },
      stop.signal,
    );
    expect((await refusal(dialling)).message).toBe('Connecting to n was stopped.');
  });

  test('a connection of the own that is open already is shared, and stays open', async () => {
    const control = path('control');
    const flags = config('shared', `ControlPath ${control}\nUserKnownHostsFile ${known}\n`);
    const master = spawn(
      'ssh',
      [
        '-F',
        path('shared'),
        '-i',
        path('id'),
        '-o',
        'ControlMaster=yes',
        '-N',
        '-p',
        String(sshd.port),
        'root@127.0.0.1',
      ],
      {stdio: 'ignore'},
    );
    while (!existsSync(control)) await new Promise(resolve => setTimeout(resolve, 20));
    const before = sshd.log().match(/Accepted/g)?.length;
    expect(await hello(go({flags}))).toBe('hello from root');
    expect(sshd.log().match(/Accepted/g)?.length).toBe(before);
    expect(existsSync(control)).toBe(true);
    master.kill();
  });
});
