/** Servers and links as they are met: dropbear, restrictions, noise, slowness. A whole source reads through each. */
import {spawn, spawnSync} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, rmSync, writeFileSync} from 'node:fs';
import {type AddressInfo, connect, createServer, type Socket} from 'node:net';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {headless} from '../../../source/wire/prompter.ts';
import {createRemoteSource} from '../../../source/wire/remote.ts';
import type {NodeEvent} from '../../../source/wire/source.ts';
import {sshDial} from '../../../source/wire/ssh/dial.ts';
import {reader, said, sweep} from '../contract.ts';
import {knownHosts} from './setup.ts';
import {freePort, makeKey, missing, type Sshd, startSshd, temporary} from './sshd.ts';

const DROPBEAR = '/usr/sbin/dropbear';

describe.skipIf(missing())('servers as they are met', () => {
  let directory: string;
  let key: string;
  let publicKey: string;
  beforeAll(() => {
    directory = temporary();
    key = join(directory, 'id');
    publicKey = makeKey(key);
  });
  afterAll(() => rmSync(directory, {recursive: true}));

  /** One source over these nodes; `known` is the text of its known_hosts. */
  function reach(
    targets: Readonly<Record<string, {host: string; port: number; user: string}>>,
    known: string,
  ) {
    const dial = sshDial({
      targets: new Map(Object.entries(targets)),
      flags: {'ssh-config': 'none', identity: [key], 'known-hosts': knownHosts(directory, known)},
      prompter: headless,
      env: {},
      home: '/nonexistent',
    });
    return createRemoteSource({
      nodes: Object.keys(targets),
      dial,
      patience: {sweep: 5, hello: 10, answer: 5},
    });
  }
  const at = (port: number) => ({host: '127.0.0.1', port, user: 'root'});
  const read = (node: string, command = 'echo out; echo err >&2') => ({
    node,
    reader: reader('fact', command),
    scope: 'node' as const,
  });
  /** What one sweep of `n` through it says. */
  async function one(port: number, known: string, command?: string) {
    const source = reach({n: at(port)}, known);
    try {
      return (await sweep(source, [read('n', command)])).one('fact');
    } finally {
      await source.close();
    }
  }
  /** The first cause that a node is lost with. */
  async function cause(source: ReturnType<typeof reach>) {
    for await (const event of source.events(new AbortController().signal) as AsyncIterable<NodeEvent>)
      if (event.state === 'lost') return event.cause ?? '';
    return '';
  }
  async function withSshd<T>(settings: Record<string, string>, use: (sshd: Sshd) => Promise<T>): Promise<T> {
    const sshd = await startSshd(settings);
    sshd.authorize(publicKey);
    try {
      return await use(sshd);
    } finally {
      await sshd.stop();
    }
  }

  test.skipIf(!existsSync(DROPBEAR) && !process.env['CI'])('dropbear', async () => {
    // It takes keys of the user's home only: a home of its own, in a mount namespace.
    const home = join(directory, 'home');
    spawnSync('mkdir', ['-p', join(home, '.ssh')]);
    writeFileSync(join(home, '.ssh/authorized_keys'), `${publicKey}\n`, {mode: 0o600});
    spawnSync('chmod', ['700', home, join(home, '.ssh')]);
    const hostKey = join(directory, 'dropbear_ed25519');
    const made = spawnSync('dropbearkey', ['-t', 'ed25519', '-f', hostKey], {encoding: 'utf8'});
    const host = /^(ssh-ed25519 \S+)/m.exec(made.stdout)?.[1];
    const port = await freePort();
    const script = 'mount --bind "$0" /root && exec "$@"';
    const args = [DROPBEAR, '-F', '-E', '-s', '-r', hostKey, '-p', `127.0.0.1:${port}`];
    const child = spawn('unshare', ['-m', 'sh', '-c', script, home, ...args], {stdio: 'ignore'});
    try {
      await listening(port);
      const reply = await one(port, `[127.0.0.1]:${port} ${host}\n`, 'echo out; echo err >&2; exit 3');
      expect(said(reply)).toBe('out\n');
      expect(reply).toMatchObject({exit: 3, err: 'err\n'});
    } finally {
      child.kill();
    }
  });

  test.each([
    ['MaxSessions 1', {MaxSessions: '1'}],
    ['PermitTTY no', {PermitTTY: 'no'}],
    [
      'no forwarding of any kind',
      {AllowTcpForwarding: 'no', AllowStreamLocalForwarding: 'no', PermitTunnel: 'no'},
    ],
  ])('%s', async (_name, settings) => {
    await withSshd(settings, async ({port, known}) => {
      const reply = await one(port, known);
      expect(said(reply)).toBe('out\n');
      expect(reply.err).toBe('err\n');
    });
  });

  test('a banner with escape sequences', async () => {
    const banner = join(directory, 'banner');
    writeFileSync(banner, `\u001b]0;owned\u0007${'Authorized users only.\n'.repeat(200)}`);
    await withSshd({Banner: banner}, async ({port, known}) => {
      expect(said(await one(port, known))).toBe('out\n');
    });
  });

  test('a chatty profile: what the login prints is no answer', async () => {
    const noise = join(directory, 'noise');
    writeFileSync(
      noise,
      '#!/bin/sh\necho "Welcome! \\033[31m"; echo complaint >&2; printf "no newline"; exec /bin/sh -c "$SSH_ORIGINAL_COMMAND"\n',
      {mode: 0o755},
    );
    await withSshd({ForceCommand: noise}, async ({port, known}) => {
      const reply = await one(port, known);
      expect(said(reply)).toBe('out\n');
      expect(reply.err).toBe('err\n');
    });
  });

  test('MaxStartups 2:100:2: twelve nodes of one host are all reached in the end', async () => {
    await withSshd({MaxStartups: '2:100:2'}, async ({port, known}) => {
      const names = Array.from({length: 12}, (_, n) => `n${n}`);
      const source = reach(Object.fromEntries(names.map(name => [name, at(port)])), known);
      const ready = new Set<string>();
      const causes: string[] = [];
      const stop = new AbortController();
      for await (const event of source.events(stop.signal)) {
        if (event.state === 'ready') ready.add(event.node);
        if (event.state === 'lost') causes.push(event.cause ?? '');
        if (ready.size === names.length) stop.abort();
      }
      for (const why of causes) expect(why).toContain('MaxStartups');
      await source.close();
    });
  });

  /** Stands between client and server; `treat` may alter what the server says, or hold it back. */
  async function between(
    port: number,
    treat: (chunk: Buffer, send: (chunk: Buffer) => void, all: number) => void,
  ) {
    const sockets = new Set<Socket>();
    const server = createServer(client => {
      const there = connect(port, '127.0.0.1');
      let all = 0;
      for (const socket of [client, there]) {
        sockets.add(socket);
        socket
          .on('error', () => {})
          .on('close', () => {
            client.destroy();
            there.destroy();
          });
      }
      client.on('data', chunk => there.write(chunk));
      there.on('data', chunk => {
        all += chunk.length;
        treat(chunk, data => client.writable && client.write(data), all);
      });
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const own = (server.address() as AddressInfo).port;
    return {
      port: own,
      /** The same host keys under the proxy's port. */
      known: (sshd: Sshd) => sshd.hostKeys.map(host => `[127.0.0.1]:${own} ${host}\n`).join(''),
      stop() {
        for (const socket of sockets) socket.destroy();
        server.close();
      },
    };
  }
  const large = 'head -c 3000000 /dev/zero';
  /** Beyond the handshake and the shell's own start. */
  const MIDDLE = 300_000;

  test.each([
    ['stalls', 'had not finished a sweep after 5 s', () => {}],
    [
      'sends garbage',
      /The connection to n .* broke \(.+\)\. See whether `ssh /,
      (chunk: Buffer, send: (chunk: Buffer) => void) => send(Buffer.alloc(chunk.length, 0x5a)),
    ],
  ])('one that %s in the middle of an answer', async (_what, why, then) => {
    await withSshd({}, async sshd => {
      const proxy = await between(sshd.port, (chunk, send, all) =>
        all < MIDDLE ? send(chunk) : then(chunk, send),
      );
      const source = reach({n: at(proxy.port)}, proxy.known(sshd));
      const lost = cause(source);
      const {swept} = await sweep(source, [read('n', large)]);
      expect(swept).toEqual([]);
      expect(await lost).toMatch(why);
      await source.close();
      proxy.stop();
    });
  });

  test('one that closes in the middle of an answer is dialled again', async () => {
    await withSshd({}, async sshd => {
      let cut = 0;
      const proxy = await between(sshd.port, (chunk, send, all) => {
        if (all <= MIDDLE) return send(chunk);
        // What was on its way already is lost with it, however late the server notices.
        if (cut === 0) sshd.hangUp();
        cut += 1;
      });
      const source = reach({n: at(proxy.port)}, proxy.known(sshd));
      const lost = cause(source);
      expect((await sweep(source, [read('n', large)])).swept).toEqual([]);
      expect(await lost).toContain('closed the connection');
      for await (const event of source.events(new AbortController().signal))
        if (event.state === 'back') break;
      expect(said((await sweep(source, [read('n')])).one('fact'))).toBe('out\n');
      await source.close();
      proxy.stop();
    });
  });

  test('a link of 300 ms', async () => {
    await withSshd({}, async sshd => {
      const proxy = await between(sshd.port, (chunk, send) => setTimeout(send, 300, chunk));
      expect(said(await one(proxy.port, proxy.known(sshd)))).toBe('out\n');
      const reply = await one(proxy.port, proxy.known(sshd), 'head -c 1000000 /dev/zero');
      expect(reply.out.length).toBe(1_000_000);
      proxy.stop();
    });
  });

  async function listening(port: number): Promise<void> {
    for (;;) {
      const socket = connect(port, '127.0.0.1');
      const open = await Promise.race([
        once(socket, 'connect').then(() => true),
        once(socket, 'error').then(() => false),
      ]).catch(() => false);
      socket.destroy();
      if (open) return;
      await new Promise(resolve => setTimeout(resolve, 20));
    }
  }
});
