/** Real OpenSSH servers and agents on loopback, each with its own keys and configuration, stopped by pid. */
import {execFileSync, spawn, spawnSync} from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import {connect, createServer} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';

export type Sshd = {
  readonly host: string;
  readonly port: number;
  readonly directory: string;
  /** `TYPE BASE64` of each host key. */
  readonly hostKeys: readonly string[];
  /** Its line for known_hosts. */
  readonly known: string;
  /** Lets a public key log in as whoever `user` in the options was. */
  authorize(publicKey: string): void;
  log(): string;
  /** Cuts every session off and goes on listening. */
  hangUp(): void;
  /** Ends the server and every session it has. */
  stop(): Promise<void>;
};

const SSHD = '/usr/sbin/sshd';

/** Why there can be no server here; in CI that is a failure. */
export function missing(): string | undefined {
  const why = !existsSync(SSHD)
    ? `${SSHD} is not installed (openssh-server)`
    : process.getuid?.() === 0
      ? undefined
      : 'only root can start an sshd that others log in to';
  if (why !== undefined && process.env['CI']) throw new Error(`SSH tests cannot be skipped in CI: ${why}.`);
  if (why !== undefined) process.stderr.write(`SKIPPED: SSH against a real sshd, because ${why}.\n`);
  return why;
}

export function temporary(): string {
  const directory = mkdtempSync(join(tmpdir(), 'hoptop-ssh-'));
  // sshd reads authorized_keys as the user who logs in.
  chmodSync(directory, 0o755);
  return directory;
}

/** Makes a key pair at `path` and returns its public half as `TYPE BASE64`. */
export function makeKey(path: string, type = 'ed25519', passphrase = ''): string {
  execFileSync('ssh-keygen', ['-q', '-t', type, '-N', passphrase, '-C', `test-${type}`, '-f', path]);
  return readFileSync(`${path}.pub`, 'utf8').split(' ').slice(0, 2).join(' ');
}

type StartOptions = {
  readonly keyTypes?: readonly string[];
  readonly host?: string;
  /** Users that only this server knows, by name, with their login shells and a crypt(3) hash of their password. */
  readonly users?: readonly (readonly [name: string, shell: string, hash?: string])[];
};

export async function startSshd(
  settings: Readonly<Record<string, string>> = {},
  {keyTypes = ['ed25519'], host = '127.0.0.1', users = []}: StartOptions = {},
): Promise<Sshd> {
  // Privilege separation's chroot directory; Debian's service file makes it at boot.
  if (!existsSync('/run/sshd')) mkdirSync('/run/sshd', {mode: 0o755});
  const directory = temporary();
  const hostKeys = keyTypes.map(type => makeKey(join(directory, `host_${type}`), type));
  const authorized = join(directory, 'authorized_keys');
  writeFileSync(authorized, '', {mode: 0o644});
  const listening = await freePort(host);
  const lines = {
    AuthorizedKeysFile: authorized,
    UsePAM: 'no',
    StrictModes: 'no',
    PasswordAuthentication: 'no',
    PermitRootLogin: 'yes',
    PidFile: 'none',
    LogLevel: 'VERBOSE',
    ...settings,
  };
  const file = join(directory, 'sshd_config');
  writeFileSync(
    file,
    [
      `ListenAddress ${host.includes(':') ? `[${host}]` : host}`,
      `Port ${listening}`,
      ...keyTypes.map(type => `HostKey ${join(directory, `host_${type}`)}`),
      ...Object.entries(lines).map(([key, value]) => `${key} ${value}`),
    ].join('\n'),
  );
  const logFile = join(directory, 'log');
  const passwd = join(directory, 'passwd');
  const entries = users.map(
    ([name, shell, hash = 'x'], n) => `${name}:${hash}:${64_000 + n}:65534::/tmp:${shell}\n`,
  );
  writeFileSync(passwd, readFileSync('/etc/passwd', 'utf8') + entries.join(''), {mode: 0o644});
  const run = [SSHD, '-D', '-f', file, '-E', logFile];
  // Its own view of /etc/passwd, in a mount namespace that ends with it: the machine's users stay as they are.
  const [command = '', ...args] =
    users.length === 0
      ? run
      : ['unshare', '-m', 'sh', '-c', 'mount --bind "$0" /etc/passwd && exec "$@"', passwd, ...run];
  const child = spawn(command, args, {stdio: 'ignore'});
  const log = () => (existsSync(logFile) ? readFileSync(logFile, 'utf8') : '');
  await listens(host, listening, () => child.exitCode !== null, log);
  return {
    host,
    port: listening,
    directory,
    hostKeys,
    known: hostKeys.map(key => `[${host}]:${listening} ${key}\n`).join(''),
    authorize: publicKey => appendFileSync(authorized, `${publicKey}\n`),
    log,
    hangUp() {
      for (const pid of descendants(child.pid!)) endProcess(pid);
    },
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        const gone = new Promise(resolve => child.once('exit', resolve));
        const sessions = descendants(child.pid!);
        child.kill('SIGTERM');
        for (const pid of sessions) endProcess(pid);
        await gone;
      }
      rmSync(directory, {recursive: true, force: true});
    },
  };
}

export type Agent = {readonly socket: string; add(key: string): void; stop(): void};

export async function startAgent(): Promise<Agent> {
  const directory = temporary();
  const socket = join(directory, 'agent');
  const child = spawn('ssh-agent', ['-D', '-a', socket], {stdio: 'ignore'});
  while (!existsSync(socket)) await new Promise(resolve => setTimeout(resolve, 10));
  return {
    socket,
    add(key) {
      const added = spawnSync('ssh-add', ['-q', key], {env: {...process.env, SSH_AUTH_SOCK: socket}});
      if (added.status !== 0) throw new Error(`ssh-add failed: ${added.stderr}`);
    },
    stop() {
      child.kill();
      rmSync(directory, {recursive: true, force: true});
    },
  };
}

export function freePort(host = '127.0.0.1'): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, host, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

async function listens(host: string, port: number, dead: () => boolean, log: () => string): Promise<void> {
  for (;;) {
    if (dead()) throw new Error(`sshd did not start: ${log()}`);
    const open = await new Promise<boolean>(resolve => {
      const socket = connect({host, port});
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (open) return;
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}

/** Parents first: a session's sshd goes before its shell, so that the connection breaks and not the shell. */
function descendants(pid: number): number[] {
  let children: number[] = [];
  try {
    children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
      .trim()
      .split(/\s+/)
      .filter(Boolean)
      .map(Number);
  } catch {}
  return children.flatMap(child => [child, ...descendants(child)]);
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {}
}
