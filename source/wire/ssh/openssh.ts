/**
 * Reaches nodes through the person's own ssh: `--transport openssh`. For what ssh2 cannot do (ProxyCommand, FIDO keys,
 * GSSAPI, host certificates, PKCS#11). One ssh process a node, one channel in it: all reads go through that.
 */
import {type ChildProcessWithoutNullStreams, execFile, spawn} from 'node:child_process';
import {PassThrough} from 'node:stream';
import type {Prompter} from '../prompter.ts';
import {type Dial, DialError, type Report, type Shell} from '../shell.ts';
import {createAskpass} from './askpass.ts';
import type {SshFlags} from './config.ts';
import {CONNECT_TIMEOUT} from './hop-settings.ts';
import {brokenSentence, refusedSentence, unrunnableSentence} from './openssh-sentences.ts';
import {sshWords, typedWords} from './openssh-words.ts';
import {createSecrets} from './secrets.ts';
import {parseTarget, type Target} from './target.ts';

export type OpensshOptions = {
  /** By node id: what was typed for it, or its parts. */
  readonly targets: ReadonlyMap<string, string | Target>;
  readonly flags: SshFlags;
  readonly prompter: Prompter;
  /** The program; `ssh` of the path when not given. */
  readonly ssh?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
};

/** How long an ssh that was asked to end may take for it. */
const FAREWELL_MS = 1000;
/** What is kept of its complaints. */
const COMPLAINTS = 4096;
/** What ssh says at LogLevel VERBOSE once it is in (sshconnect2.c); what follows on standard error is the node's. */
const IN = /^Authenticated to .*\r?\n/m;

export function opensshDial(options: OpensshOptions): Dial {
  const start = starter(options);
  return (node, command, report, signal) =>
    start(node, words => [...words.slice(0, -2), '-T', ...words.slice(-2), command], report, signal);
}

/** What ssh is to share a connection of ours by; see `openssh-onward.ts`. */
export type Control = {readonly path: string};

/**
 * Starts the person's ssh to a node: `tail` puts what it is to do there to the words that lead there. With `control` the
 * connection is one that others share, or shares one.
 */
export type Start = (
  node: string,
  tail: (words: readonly string[]) => readonly string[],
  report: Report,
  signal: AbortSignal,
  control?: Control,
) => Promise<Shell>;

export function starter({targets, flags, prompter, ssh = 'ssh', env = process.env}: OpensshOptions): Start {
  const secrets = createSecrets(prompter);
  return async (node, tail, report, signal, control) => {
    const target = targets.get(node);
    if (target === undefined) throw new DialError(`There is no node called ${node}.`, true);
    const where = typeof target === 'string' ? parseTarget(target) : target;
    const plain = sshWords(ssh, where, flags, prompter.canAsk);
    const typed = typedWords(where, flags);
    report('asking ssh what it would do');
    const said = await effective(ssh, plain, env, signal).catch((error: unknown) => {
      throw new DialError(unrunnableSentence(node, ssh, typed, error), true);
    });
    // A connection of the person's own goes before one of ours.
    const theirs = await hasMaster(ssh, plain, said('controlpath'), env, signal);
    const ours = control && !theirs ? ['-o', `ControlPath=${control.path}`] : [];
    const words = [...ours, ...plain];
    const shared =
      theirs || (control !== undefined && (await hasMaster(ssh, words, control.path, env, signal)));
    const asks = prompter.canAsk && said('batchmode') !== 'yes';
    const askpass = asks ? await createAskpass(node, prompter, secrets, report, signal) : undefined;
    try {
      const master = ours.length > 0 && !shared ? ['-o', 'ControlMaster=yes'] : [];
      const args = [...master, ...ownOptions(asks, said), ...tail(words)];
      report('connecting with ssh');
      const child = spawn(ssh, args, {
        stdio: 'pipe',
        // A session of its own: neither ssh nor what it starts touches hoptop's terminal.
        detached: true,
        // Where nobody can be asked, no window of another program asks either.
        env: {...env, LC_ALL: 'C', ...(askpass?.env ?? {SSH_ASKPASS_REQUIRE: 'never'})},
      });
      return await reached(child, {node, ssh, typed, shared, asks, report, signal});
    } finally {
      await askpass?.end();
    }
  };
}

type Said = (keyword: string) => string | undefined;

/** What an option set here must not disturb: everything else stays as the person has it. */
function ownOptions(asks: boolean, said: Said): string[] {
  const options = [
    // A person may share a connection of theirs with us; ours is never shared, nor outlives us.
    'ControlMaster=no',
    'ControlPersist=no',
    'LogLevel=VERBOSE',
    'EscapeChar=none',
    'RemoteCommand=none',
    'PermitLocalCommand=no',
    'ClearAllForwardings=yes',
    'ForwardAgent=no',
    'ForwardX11=no',
    'Tunnel=no',
    'StdinNull=no',
    'ForkAfterAuthentication=no',
    'SessionType=default',
    ...(asks ? [] : ['BatchMode=yes']),
    ...(said('connecttimeout') === 'none' ? [`ConnectTimeout=${CONNECT_TIMEOUT}`] : []),
    ...(said('serveraliveinterval') === '0' ? ['ServerAliveInterval=5', 'ServerAliveCountMax=3'] : []),
  ];
  // Keywords that an older ssh does not know are not set.
  const known = options.filter(
    option => !/^(StdinNull|ForkAfter|SessionType)/.test(option) || said(option.split('=')[0]!.toLowerCase()),
  );
  return known.flatMap(option => ['-o', option]);
}

/** `ssh -G`: what ssh makes of its configuration for this host. */
async function effective(
  ssh: string,
  words: readonly string[],
  env: OpensshOptions['env'],
  signal: AbortSignal,
): Promise<Said> {
  const text = await run(ssh, ['-G', ...words], env, signal);
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const gap = line.indexOf(' ');
    if (gap > 0 && !values.has(line.slice(0, gap))) values.set(line.slice(0, gap), line.slice(gap + 1));
  }
  return keyword => values.get(keyword);
}

/** Whether a connection of the person's own is open that ssh will share: it then says nothing about getting in. */
async function hasMaster(
  ssh: string,
  words: readonly string[],
  path: string | undefined,
  env: OpensshOptions['env'],
  signal: AbortSignal,
): Promise<boolean> {
  if (path === undefined || path === 'none') return false;
  return run(ssh, [...words.slice(0, -2), '-O', 'check', ...words.slice(-2)], env, signal).then(
    () => true,
    () => false,
  );
}

function run(
  ssh: string,
  args: readonly string[],
  env: OpensshOptions['env'],
  signal: AbortSignal,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = {
      env: {...env, LC_ALL: 'C'},
      signal,
      timeout: CONNECT_TIMEOUT * 1000,
      encoding: 'utf8' as const,
    };
    execFile(ssh, [...args], options, (error, stdout, stderr) => {
      if (error) reject(stderr.trim() === '' ? error : new Error(stderr.trim()));
      else resolve(stdout);
    });
  });
}

type Reaching = {
  readonly node: string;
  readonly ssh: string;
  readonly typed: readonly string[];
  readonly shared: boolean;
  readonly asks: boolean;
  readonly report: Report;
  readonly signal: AbortSignal;
};

/** Resolves with the shell once ssh is in; rejects with what ssh said when it is not. */
function reached(child: ChildProcessWithoutNullStreams, reaching: Reaching): Promise<Shell> {
  const {node, ssh, typed, shared, asks, report, signal} = reaching;
  return new Promise((resolve, reject) => {
    let heard = '';
    let isIn = false;
    const warnings: string[] = [];
    const gone = Promise.withResolvers<string>();
    const end = () => {
      child.stdin.destroy();
      const timer = setTimeout(() => child.kill('SIGTERM'), FAREWELL_MS);
      timer.unref();
      child.once('exit', () => clearTimeout(timer));
    };
    const abandon = () => {
      child.kill('SIGTERM');
      reject(new DialError(`Connecting to ${node} was stopped.`));
    };
    signal.addEventListener('abort', abandon, {once: true});
    if (signal.aborted) abandon();

    const enter = (rest: string) => {
      isIn = true;
      signal.removeEventListener('abort', abandon);
      child.stderr.removeListener('data', listen);
      // It keeps what comes before anybody listens.
      const stderr = new PassThrough();
      stderr.write(Buffer.from(rest, 'latin1'));
      child.stderr.pipe(stderr);
      report('starting shell');
      resolve({
        stdin: child.stdin,
        stdout: child.stdout,
        stderr,
        gone: gone.promise,
        warnings,
        end,
      });
    };
    const listen = (chunk: Buffer) => {
      heard = (heard + chunk.toString('latin1')).slice(-COMPLAINTS);
      const found = IN.exec(heard);
      if (!found) return;
      const before = heard.slice(0, found.index);
      if (/REMOTE HOST IDENTIFICATION HAS CHANGED/.test(before))
        warnings.push(
          `WARNING: the host key of ${node} HAS CHANGED, and ssh went on because StrictHostKeyChecking is off: someone may be in between and see and alter what is read.`,
        );
      enter(heard.slice(found.index + found[0].length));
    };
    child.stderr.on('data', listen);
    for (const stream of [child.stdin, child.stdout]) stream.on('error', () => {});

    child.once('error', error => {
      signal.removeEventListener('abort', abandon);
      reject(new DialError(unrunnableSentence(node, ssh, typed, error), true));
      gone.resolve(unrunnableSentence(node, ssh, typed, error));
    });
    // `close`: everything it said has been heard by then.
    child.once('close', (status, killed) => {
      signal.removeEventListener('abort', abandon);
      if (isIn) gone.resolve(brokenSentence(node, typed, status, killed));
      else reject(refusedSentence(node, typed, heard, asks));
    });
    child.once('exit', (status, killed) => {
      // What it started (a ProxyCommand) may hold its streams open.
      if (isIn) setTimeout(() => gone.resolve(brokenSentence(node, typed, status, killed)), 50);
    });
    if (shared) child.once('spawn', () => enter(''));
  });
}
