import {once} from 'node:events';
import {readFileSync, rmSync, writeFileSync} from 'node:fs';
import {type AddressInfo, createServer, type Server, type Socket} from 'node:net';
import {join} from 'node:path';
import {afterAll, afterEach, beforeAll, describe, expect, test} from 'vitest';
import {dialNode, hello, knownHosts, refusal, type Setup, say, target} from './setup.ts';
import {freePort, makeKey, missing, type Sshd, startSshd, temporary} from './sshd.ts';

describe('what is no SSH server', () => {
  let server: Server | undefined;
  const sockets = new Set<Socket>();
  let directory: string;
  let flags: NonNullable<Setup['flags']>;

  beforeAll(() => {
    directory = temporary();
    makeKey(join(directory, 'id'));
    const config = join(directory, 'config');
    writeFileSync(config, 'ConnectTimeout 1');
    flags = {identity: [join(directory, 'id')], 'ssh-config': config};
  });
  afterEach(() => {
    for (const socket of sockets) socket.destroy();
    server?.close();
  });
  afterAll(() => rmSync(directory, {recursive: true}));

  /** Something that listens and treats whoever comes as it is told. */
  async function listen(treat: (socket: Socket) => void) {
    server = createServer(socket => {
      sockets.add(socket);
      socket.on('error', () => {});
      treat(socket);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return {host: '127.0.0.1', port: (server.address() as AddressInfo).port, user: 'root'};
  }

  test('nobody listens', async () => {
    const port = await freePort();
    const error = await refusal(dialNode({host: '127.0.0.1', port, user: 'root'}, {flags}));
    expect(error.final).toBe(false);
    expect(error.message).toBe(
      `n (127.0.0.1:${port}) refuses connections on port ${port}: see that sshd runs there and listens on that port (-p, or Port in ~/.ssh/config).`,
    );
  });

  test('a name that does not exist', async () => {
    const error = await refusal(dialNode('root@no-such-host.invalid', {flags}));
    expect(error.message).toContain(
      'The name no-such-host.invalid of n (no-such-host.invalid:22) cannot be resolved',
    );
  });

  test('a web server, whose words cannot reach the terminal', async () => {
    const to = await listen(socket =>
      socket.once('data', () => socket.end('HTTP/1.1 400 Bad\x1b[31m Request\r\n\r\n')),
    );
    const error = await refusal(dialNode(to, {flags}));
    expect(error.message).toContain(
      `What listens on port ${to.port} of n (127.0.0.1:${to.port}) is not an SSH server (it said "HTTP/1.1 400 Bad [31m Request")`,
    );
  });

  test('noise', async () => {
    const to = await listen(socket => void socket.write(Buffer.alloc(5000, 0xee)));
    expect((await refusal(dialNode(to, {flags}))).message).toContain('is not an SSH server');
  });

  test('one that says nothing', async () => {
    const to = await listen(() => {});
    expect((await refusal(dialNode(to, {flags}))).message).toContain(
      'did not finish the SSH handshake within 1 s',
    );
  });

  test('one that hangs up', async () => {
    const to = await listen(socket => socket.end());
    expect((await refusal(dialNode(to, {flags}))).message).toContain(
      'closed the connection before the SSH handshake',
    );
  });

  test('one that resets', async () => {
    const to = await listen(socket => socket.resetAndDestroy());
    expect((await refusal(dialNode(to, {flags}))).message).toContain(
      'closed the connection before the SSH handshake',
    );
  });

  test('one that hangs up after its greeting, and one that talks nonsense after it', async () => {
    const polite = await listen(socket => socket.end('SSH-2.0-OpenSSH_9.2\r\n'));
    expect((await refusal(dialNode(polite, {flags}))).message).toContain('closed the connection before');
    server!.close();
    const rude = await listen(
      socket => void socket.write(`SSH-2.0-OpenSSH_9.2\r\n${'nonsense'.repeat(100)}`),
    );
    expect((await refusal(dialNode(rude, {flags}))).message).toMatch(/The SSH handshake with n .* failed: /);
  });

  test('what is offered: no group exchange, AES-GCM first, no SHA-1 for host keys', async () => {
    const lists = await new Promise<string[][]>((resolve, reject) => {
      listen(socket => {
        socket.write('SSH-2.0-OpenSSH_9.2\r\n');
        let heard = Buffer.alloc(0);
        socket.on('data', data => {
          heard = Buffer.concat([heard, data]);
          const start = heard.indexOf('\r\n') + 2;
          if (start < 2 || heard.length < start + 5 || heard.length < start + 4 + heard.readUInt32BE(start))
            return;
          // RFC 4253 section 7.1: packet length and padding, the message's number, a cookie, then name lists.
          let at = start + 5 + 1 + 16;
          const found: string[][] = [];
          for (let n = 0; n < 10; n++) {
            const length = heard.readUInt32BE(at);
            found.push(heard.toString('latin1', at + 4, at + 4 + length).split(','));
            at += 4 + length;
          }
          resolve(found);
          socket.destroy();
        });
      }).then(to => refusal(dialNode(to, {flags})), reject);
    });
    const [kex, hostKeys, ciphers] = lists;
    expect(kex![0]).toBe('curve25519-sha256');
    expect(kex!.join()).not.toContain('group-exchange');
    expect(hostKeys).toEqual([
      'ssh-ed25519',
      'ecdsa-sha2-nistp256',
      'ecdsa-sha2-nistp384',
      'ecdsa-sha2-nistp521',
      'rsa-sha2-512',
      'rsa-sha2-256',
    ]);
    expect(ciphers!.slice(0, 2)).toEqual(['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com']);
  });

  test('giving up ends it at once, before and during the handshake', async () => {
    const to = await listen(() => {});
    const early = await refusal(dialNode(to, {flags, signal: AbortSignal.abort()}));
    expect(early.message).toBe('Connecting to 127.0.0.1 was stopped.');
    const stop = new AbortController();
    const arrived = once(server!, 'connection');
    const dialling = refusal(dialNode(to, {flags, signal: stop.signal}));
    const [socket] = (await arrived) as [Socket];
    const closed = once(socket, 'close');
    socket.resume();
    stop.abort();
    expect((await dialling).message).toContain('was stopped');
    await closed;
  });
});

describe.skipIf(missing())('what goes wrong at a real sshd', () => {
  let directory: string;
  let key: string;
  let pub: string;
  const servers: Sshd[] = [];

  beforeAll(() => {
    directory = temporary();
    key = join(directory, 'id');
    pub = makeKey(key);
  });
  afterEach(async () => {
    for (const sshd of servers.splice(0)) await sshd.stop();
  });
  afterAll(() => rmSync(directory, {recursive: true}));

  async function start(settings: Record<string, string> = {}, host = '127.0.0.1'): Promise<Sshd> {
    const sshd = await startSshd(settings, {host});
    sshd.authorize(pub);
    servers.push(sshd);
    return sshd;
  }
  const go = (sshd: Sshd, setup: Setup = {}) =>
    dialNode(target(sshd), {
      ...setup,
      flags: {identity: [key], 'known-hosts': knownHosts(sshd.directory, sshd.known)},
    });

  test('the server is killed while a shell is open', async () => {
    const sshd = await start();
    const shell = await go(sshd);
    expect(await say(shell, 'echo up')).toBe('up');
    await sshd.stop();
    expect(await shell.gone).toBe(
      `n (127.0.0.1:${sshd.port}) closed the connection: sshd or the machine was stopped, or something between ended it. See whether \`ssh -p ${sshd.port} root@127.0.0.1\` still works.`,
    );
    // Whoever writes on does not bring the program down.
    shell.stdin.write('echo still there?\n');
    shell.end();
  });

  test('the shell ends by itself, or is killed', async () => {
    const sshd = await start();
    const first = await go(sshd);
    first.stdout.resume();
    first.stderr.resume();
    first.stdin.write('exit 7\n');
    expect(await first.gone).toContain('ended (exit 7)');
    const second = await go(sshd);
    second.stdout.resume();
    second.stderr.resume();
    second.stdin.write('kill -KILL $$\n');
    expect(await second.gone).toContain('was killed (SIGKILL)');
  });

  test('the remote side is gone after end(), and end() may come twice', async () => {
    const sshd = await start();
    const shell = await go(sshd);
    const pid = Number(await say(shell, 'echo $$'));
    shell.end();
    shell.end();
    expect(await shell.gone).toBe('The connection was ended from here.');
    await expect.poll(() => alive(pid)).toBe(false);
  });

  test('no common algorithm', async () => {
    const sshd = await start({KexAlgorithms: 'diffie-hellman-group-exchange-sha256'});
    const error = await refusal(go(sshd));
    expect(error.message).toContain('have no key exchange algorithm in common');
  });

  test('no session is allowed', async () => {
    const sshd = await start({MaxSessions: '0'});
    expect((await refusal(go(sshd))).message).toContain('look at MaxSessions in its sshd_config');
  });

  test('an IPv6 server', async () => {
    const sshd = await start({}, '::1');
    expect(await hello(go(sshd))).toBe('hello from root');
  });

  test('giving up while asked about a host key withdraws the question', async () => {
    const {createPrompter} = await import('../../../source/wire/prompter.ts');
    const sshd = await start();
    const prompter = createPrompter();
    const stop = new AbortController();
    let shown = 0;
    prompter.prompts(prompt => {
      if (!prompt) return;
      shown += 1;
      setImmediate(() => stop.abort());
    });
    const flags = {identity: [key], 'known-hosts': join(directory, 'empty')};
    const error = await refusal(dialNode(target(sshd), {flags, prompter, signal: stop.signal}));
    expect(error.message).toContain('was stopped');
    expect(shown).toBe(1);
  });

  test('a node that is not in the list', async () => {
    const {sshDial} = await import('../../../source/wire/ssh/dial.ts');
    const {headless} = await import('../../../source/wire/prompter.ts');
    const dial = sshDial({targets: new Map(), flags: {}, prompter: headless});
    const error = await refusal(dial('who', 'true', () => {}, new AbortController().signal));
    expect(error.message).toBe('There is no node called who.');
  });
});

/** Whether a process still runs; a zombie that nobody has collected yet does not. */
function alive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
