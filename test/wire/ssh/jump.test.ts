import {rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, afterEach, beforeAll, beforeEach, describe, expect, test} from 'vitest';
import {headless} from '../../../source/wire/prompter.ts';
import type {Dial} from '../../../source/wire/shell.ts';
import {sshDial} from '../../../source/wire/ssh/dial.ts';
import {hello, knownHosts, read, refusal, say, scripted} from './setup.ts';
import {freePort, makeKey, missing, type Sshd, startSshd, temporary} from './sshd.ts';

const never = new AbortController().signal;

describe.skipIf(missing())('through jump hosts, against real sshds', () => {
  let directory: string;
  let key: string;
  let pub: string;
  let gate: Sshd;
  let inner: Sshd;
  const more: Sshd[] = [];

  beforeAll(() => {
    directory = temporary();
    key = join(directory, 'id');
    pub = makeKey(key);
  });
  beforeEach(async () => {
    gate = await start();
    inner = await start();
  });
  afterEach(async () => {
    for (const sshd of more.splice(0)) await sshd.stop();
  });
  afterAll(() => rmSync(directory, {recursive: true}));

  async function start(settings: Record<string, string> = {}): Promise<Sshd> {
    const sshd = await startSshd(settings);
    sshd.authorize(pub);
    more.push(sshd);
    return sshd;
  }
  /** A dial to nodes a, b, c, all of them `inner`, through the named jump hosts. */
  function behind(
    jumps: readonly Sshd[],
    known = knownHosts(directory, gate.known + inner.known),
    prompter = headless,
  ): Dial {
    const to = {host: '127.0.0.1', port: inner.port, user: 'root'};
    return sshDial({
      targets: new Map(['a', 'b', 'c'].map(name => [name, to])),
      flags: {
        'ssh-config': 'none',
        identity: [key],
        'known-hosts': known,
        jump: jumps.map(sshd => `root@127.0.0.1:${sshd.port}`).join(','),
      },
      prompter,
      env: {},
      home: '/nonexistent',
    });
  }
  const logins = (sshd: Sshd) => sshd.log().split('Accepted publickey').length - 1;

  test('the node is reached through the jump host, which says so in steps', async () => {
    const steps: string[] = [];
    const shell = await behind([gate])('a', 'exec sh', step => steps.push(step), never);
    // The connection comes from the jump host, not from here: sshd tells both ends' ports.
    const [, from] = (await say(shell, 'echo $SSH_CONNECTION')).split(' ');
    expect(Number(from)).toBeGreaterThan(0);
    expect(steps).toEqual([
      'through 127.0.0.1',
      '127.0.0.1: connecting to 127.0.0.1',
      '127.0.0.1: checking host key',
      '127.0.0.1: authenticating',
      'connecting to 127.0.0.1 through 127.0.0.1',
      'checking host key',
      'authenticating',
      'starting shell',
    ]);
    shell.end();
    await shell.gone;
    expect([logins(gate), logins(inner)]).toEqual([1, 1]);
  });

  test('two jump hosts in a row', async () => {
    const second = await start();
    const known = knownHosts(directory, gate.known + second.known + inner.known);
    expect(await hello(behind([gate, second], known)('a', 'exec sh', () => {}, never))).toBe(
      'hello from root',
    );
    expect([logins(gate), logins(second), logins(inner)]).toEqual([1, 1, 1]);
  });

  test('ProxyJump of the configuration, with the jump host’s own key, port and user', async () => {
    const config = join(directory, 'config');
    const known = knownHosts(directory, gate.known + inner.known);
    writeFileSync(
      config,
      `Host node\n HostName 127.0.0.1\n Port ${inner.port}\n ProxyJump gate\nHost gate\n HostName 127.0.0.1\n Port ${gate.port}\nHost *\n User root\n IdentityFile ${key}\n UserKnownHostsFile ${known}\n`,
    );
    const flags = {'ssh-config': config};
    const dial = sshDial({targets: new Map([['n', 'node']]), flags, prompter: headless, env: {}});
    expect(await hello(dial('n', 'exec sh', () => {}, never))).toBe('hello from root');
    expect(logins(gate)).toBe(1);
  });

  test('four jump hosts, each with a user, a port, a key and a file of host keys of its own', async () => {
    const names = ['h1', 'h2', 'h3', 'h4', 'node'];
    const blocks: string[] = [];
    const servers: Sshd[] = [];
    for (const [n, name] of names.entries()) {
      const server = await startSshd({}, {users: [[`user${n}`, '/bin/sh']]});
      more.push(server);
      servers.push(server);
      server.authorize(makeKey(join(directory, `key-${name}`)));
      writeFileSync(join(directory, `known-${name}`), `alias-${name} ${server.hostKeys[0]}\n`);
      const before = n === 0 ? '' : ` ProxyJump ${names[n - 1]}\n`;
      blocks.push(
        `Host ${name}\n HostName 127.0.0.1\n Port ${server.port}\n User user${n}\n IdentitiesOnly yes\n IdentityFile ${directory}/key-%n\n HostKeyAlias alias-${name}\n UserKnownHostsFile ${directory}/known-%n\n${before}`,
      );
    }
    const config = join(directory, 'chain');
    writeFileSync(config, blocks.join(''));
    const dial = sshDial({
      targets: new Map([['n', 'node']]),
      flags: {'ssh-config': config},
      prompter: headless,
      env: {},
    });
    const steps: string[] = [];
    const shell = await dial('n', 'exec sh', step => steps.push(step), never);
    expect(await say(shell, 'echo here')).toBe('here');
    shell.end();
    expect(servers.map(logins)).toEqual([1, 1, 1, 1, 1]);
    for (const [n, server] of servers.entries())
      expect(server.log()).toContain(`Accepted publickey for user${n} `);
  });

  test('several nodes share one connection, which ends with the last of them and is made anew', async () => {
    const dial = behind([gate]);
    const shells = await Promise.all(['a', 'b', 'c'].map(node => dial(node, 'exec sh', () => {}, never)));
    expect(logins(gate)).toBe(1);
    expect(logins(inner)).toBe(3);
    shells[0]!.end();
    await shells[0]!.gone;
    expect(await say(shells[1]!, 'echo still here')).toBe('still here');
    for (const shell of shells.slice(1)) shell.end();
    await Promise.all(shells.map(shell => shell.gone));
    await expect.poll(() => gate.log()).toContain('Disconnected from user root');
    expect(await hello(dial('a', 'exec sh', () => {}, never))).toBe('hello from root');
    expect(logins(gate)).toBe(2);
  });

  test('one who gives up does not take the jump host from the others', async () => {
    const dial = behind([gate]);
    const stop = new AbortController();
    const first = refusal(dial('a', 'exec sh', () => {}, stop.signal));
    const second = dial('b', 'exec sh', step => step === 'through 127.0.0.1' && stop.abort(), never);
    expect((await first).message).toContain('was stopped');
    expect(await hello(second)).toBe('hello from root');
  });

  test('the jump host dies: every node behind it says so, and is reached again when it is back', async () => {
    const dial = behind([gate]);
    const shell = await dial('a', 'exec sh', () => {}, never);
    expect(await say(shell, 'echo up')).toBe('up');
    await gate.stop();
    expect(await shell.gone).toContain(
      `a (127.0.0.1:${inner.port}) is cut off. The jump host 127.0.0.1 (127.0.0.1:${gate.port}) closed the connection`,
    );
    const error = await refusal(dial('a', 'exec sh', () => {}, never));
    expect(error.final).toBe(false);
    expect(error.message).toContain(
      `a cannot be reached. The jump host 127.0.0.1 (127.0.0.1:${gate.port}) refuses connections`,
    );
  });

  test('each host key is checked under its own name', async () => {
    // The gate's key stands under the inner name: it must not open the inner door, nor the gate's.
    const swapped = gate.known.replace(`:${gate.port}`, `:${inner.port}`);
    const error = await refusal(
      behind([gate], knownHosts(directory, swapped))('a', 'exec sh', () => {}, never),
    );
    expect(error.final).toBe(true);
    expect(error.message).toContain(
      `a cannot be reached. The host key of the jump host 127.0.0.1 (127.0.0.1:${gate.port}) is not known`,
    );
    const changed = await refusal(
      behind([gate], knownHosts(directory, gate.known + swapped))('a', 'exec sh', () => {}, never),
    );
    expect(changed.message).toContain(`The host key of a (127.0.0.1:${inner.port}) has changed`);
  });

  test('unknown hosts are asked about one after the other, the same one only once', async () => {
    const file = join(directory, 'asked');
    const {prompter, asked} = scripted('remember');
    const dial = behind([gate], file, prompter);
    const answers = ['a', 'b', 'c'].map(node => hello(dial(node, 'exec sh', () => {}, never)));
    expect(await Promise.all(answers)).toEqual(Array(3).fill('hello from root'));
    expect(asked).toHaveLength(2);
    expect(read(file)).toBe(gate.known + inner.known);
  });

  test('a jump host that lets nothing pass, and one that cannot reach the node', async () => {
    const closed = await start({AllowTcpForwarding: 'no'});
    const known = knownHosts(directory, closed.known + gate.known + inner.known);
    expect((await refusal(behind([closed], known)('a', 'exec sh', () => {}, never))).message).toContain(
      `does not let connections pass to 127.0.0.1:${inner.port}: set AllowTcpForwarding`,
    );
    const port = await freePort();
    const dial = sshDial({
      targets: new Map([['x', {host: '127.0.0.1', port, user: 'root'}]]),
      flags: {
        'ssh-config': 'none',
        identity: [key],
        'known-hosts': known,
        jump: `root@127.0.0.1:${gate.port}`,
      },
      prompter: headless,
      env: {},
    });
    expect((await refusal(dial('x', 'exec sh', () => {}, never))).message).toContain(
      `could not connect to 127.0.0.1:${port} (Connection refused)`,
    );
  });
});
