/** One SSH connection over an open stream: handshake, host key, login; then shells or ways onwards. */
import type {Duplex} from 'node:stream';
import {DialError, type Report, type Shell} from '../shell.ts';
import {renameSignatures} from './certificates.ts';
import type {Hop} from './config.ts';
import type {Keys} from './keys.ts';
import type {Client, ClientChannel, ConnectConfig, Ssh2} from './library.ts';
import {NOT_GIVEN} from './locked.ts';
import {createLogin} from './login.ts';
import type {Ask, Secrets} from './secrets.ts';
import {
  at,
  authSentence,
  droppedSentence,
  endedSentence,
  execSentence,
  forwardSentence,
  handshakeSentence,
  lostSentence,
  muteSentence,
  notSshSentence,
  silentSentence,
  sshCommand,
  type Where,
} from './sentences.ts';
import {stopped} from './socket.ts';
import type {Trust} from './trust.ts';

export type Link = {
  /** Starts `command` through the login shell. Rejects with a `DialError`. */
  openShell(command: string, signal: AbortSignal): Promise<Shell>;
  /** A stream to another host, opened by this one. Rejects with a `DialError`. */
  forward(to: Hop, signal: AbortSignal): Promise<Duplex>;
  /** Resolves, never rejects, once the connection is gone, with a sentence saying why. */
  readonly lost: Promise<string>;
  /** What the person has to know about trusting it, each a sentence. */
  readonly warnings: readonly string[];
  end(): void;
};

export type LinkOptions = {
  readonly ssh2: Ssh2;
  readonly stream: Duplex;
  readonly where: Where;
  readonly keys: Keys;
  readonly secrets: Secrets;
  /** Algorithms by which the server may prove itself, best first: `hostKeyAlgorithms`. */
  readonly hostKeys: readonly string[];
  readonly trust: Trust;
  readonly report: Report;
  readonly signal: AbortSignal;
  /** The `lost` of the connection that `stream` runs in, behind a jump host. */
  readonly carrier?: Promise<string>;
};

/** How long a connection that was asked to end may take for it. */
const FAREWELL_MS = 1000;
/** Two events with one cause arrive within this time; the one that tells more is waited for. */
const SOON_MS = 50;

/** Rejects with a `DialError`; the stream is closed then. */
export async function openLink(options: LinkOptions): Promise<Link> {
  const {ssh2, where} = options;
  const client = new ssh2.Client();
  const lost = watchLoss(client, where, options.carrier);
  const warning = await handshake(client, options);
  return {
    openShell: (command, signal) => openShell(client, lost, where, command, signal),
    forward: (to, signal) => forward(client, where, to, signal),
    lost: lost.sentence,
    warnings: warning === undefined ? [] : [warning],
    end: () => end(client, lost, options.stream),
  };
}

type Loss = {readonly sentence: Promise<string>; ending: boolean; over: boolean};

/**
 * Listens for the connection's whole life: an error event without a listener would end the program. A connection that
 * another one carries ends with it, a moment later; the cause is then told by the carrier.
 */
function watchLoss(client: Client, where: Where, carrier: Promise<string> | undefined): Loss {
  const {promise, resolve} = Promise.withResolvers<string>();
  const loss: Loss = {ending: false, over: false, sentence: promise};
  const carried = carrier?.then(sentence => `${at(where)} is cut off. ${sentence}`);
  carried?.then(resolve);
  const finish = (error?: Error) => {
    if (loss.over || (error && isSigning(error))) return;
    loss.over = true;
    const own = loss.ending ? 'The connection was ended from here.' : lostSentence(where, error);
    if (carried && !loss.ending) setTimeout(resolve, SOON_MS, own);
    else resolve(own);
  };
  client.on('error', finish);
  client.on('end', () => finish());
  client.on('close', () => finish());
  return loss;
}

/** A key that could not sign: ssh2 reports it as an error and goes on to the next key. */
function isSigning(error: Error & {level?: string}): boolean {
  return error.level === 'agent' || error.message.startsWith('Error signing data');
}

/**
 * No Diffie-Hellman group exchange: making such a group up costs seconds of blocked CPU in JavaScript for each
 * connection. Ciphers are left at the library's order, AES-GCM first.
 */
const KEX = [
  'curve25519-sha256',
  'curve25519-sha256@libssh.org',
  'ecdh-sha2-nistp256',
  'ecdh-sha2-nistp384',
  'ecdh-sha2-nistp521',
  'diffie-hellman-group14-sha256',
  'diffie-hellman-group16-sha512',
];

/** Resolves with a warning about the host key, if there is one. */
function handshake(client: Client, options: LinkOptions): Promise<string | undefined> {
  const {stream, where, keys, secrets, hostKeys, trust, report, signal} = options;
  const {hop} = where;
  const limit = hop.connectTimeout;
  return new Promise((resolve, reject) => {
    let stage: 'greeting' | 'keys' | 'login' | 'over' = 'greeting';
    /** Aborted once nobody waits for an answer any more. */
    const asking = new AbortController();
    let warning: string | undefined;
    let heard = '';
    let trusted: Buffer | undefined;
    let timer: NodeJS.Timeout | undefined;

    const settle = (finish: () => void) => {
      if (stage === 'over') return;
      stage = 'over';
      asking.abort();
      clearTimeout(timer);
      signal.removeEventListener('abort', abandon);
      stream.removeListener('data', listen);
      finish();
    };
    const fail = (error: DialError) =>
      settle(() => {
        reject(error);
        client.end();
        stream.destroy();
      });
    const abandon = () => fail(stopped(where));
    const wind = () => {
      clearTimeout(timer);
      timer = setTimeout(
        () => fail(new DialError(isSsh() ? muteSentence(where, limit) : notSshSentence(where, heard))),
        limit * 1000,
      );
    };
    const refused = (tooMany: boolean) =>
      fail(new DialError(authSentence(where, {...login.failure(), tooMany}), true));
    /** A person takes longer than a server: our clock stands still meanwhile, and others may dial. */
    const ask: Ask = async (request, failed) => {
      clearTimeout(timer);
      if (!secrets.holds(request.covers))
        report(`waiting for an answer about ${where.node ?? hop.alias}`, 'person');
      const about = {kind: 'login', of: where.node ?? hop.alias};
      const texts = await secrets.ask({...request, about}, failed, asking.signal);
      if (stage !== 'over') {
        report('authenticating');
        wind();
      }
      return texts;
    };
    const login = createLogin({
      where,
      keys,
      secrets,
      ask,
      trusted: () => warning === undefined,
      cancelled: () => refused(false),
    });
    /** Keeps the first bytes, to be able to say what else answered on this port. */
    const listen = (data: Buffer) => {
      if (heard.length < 100) heard += data.toString('latin1');
      if (heard.startsWith('SSH-') || heard.length >= 100) stream.removeListener('data', listen);
    };
    const isSsh = () => heard === '' || /^SSH-/m.test(heard);

    client.on('error', (error: Error & {level?: string; code?: unknown}) => {
      if (stage === 'over') return;
      if (isSigning(error)) {
        login.note(
          error.message.startsWith(NOT_GIVEN)
            ? `${error.message}.`
            : `The agent did not sign with ${login.lastTried()}.`,
        );
        return;
      }
      if (stage === 'login') {
        if (/too many/i.test(error.message)) return refused(true);
        return fail(new DialError(lostSentence(where, error)));
      }
      if (!isSsh()) return fail(new DialError(notSshSentence(where, heard)));
      if (/^Connection lost|ECONNRESET|EPIPE/.test(error.message))
        return fail(new DialError(droppedSentence(where)));
      fail(new DialError(handshakeSentence(where, error.message)));
    });
    client.on('close', () => {
      if (stage === 'greeting' && !isSsh()) return fail(new DialError(notSshSentence(where, heard)));
      if (stage === 'login') return fail(new DialError(lostSentence(where, undefined)));
      fail(new DialError(droppedSentence(where)));
    });
    client.once('handshake', () => {
      if (stage === 'over') return;
      stage = 'login';
      report('authenticating');
    });
    client.once('ready', () => settle(() => resolve(warning)));
    client.once('change password', () =>
      fail(
        new DialError(
          `The password of ${hop.user} on ${at(where)} has expired: change it with \`${sshCommand(where)}\`.`,
          true,
        ),
      ),
    );

    const config: ConnectConfig = {
      sock: stream as NonNullable<ConnectConfig['sock']>,
      username: hop.user,
      // Our own clock runs instead: it stops while a person reads a fingerprint.
      readyTimeout: 0,
      keepaliveInterval: hop.alive.every * 1000,
      keepaliveCountMax: hop.alive.most,
      algorithms: {
        kex: KEX as never,
        serverHostKey: hostKeys as never,
      },
      hostVerifier: (key: Buffer, verify: (valid: boolean) => void) => {
        // Again at every rekeying of a long connection: it must stay the same key.
        if (trusted) return verify(key.equals(trusted));
        stage = 'keys';
        report('checking host key');
        clearTimeout(timer);
        trust.verify(where, key, report, signal).then(
          doubt => {
            if (stage === 'over') return;
            warning = doubt;
            trusted = key;
            wind();
            verify(true);
          },
          (error: unknown) => fail(signal.aborted ? stopped(where) : asDialError(error)),
        );
      },
      authHandler: ((left: readonly string[] | null, half: boolean | null, go: (method: unknown) => void) => {
        login.next(left, half === true).then(
          method => {
            if (stage === 'over') return;
            if (method) go(method);
            else refused(false);
          },
          (error: unknown) => fail(asDialError(error)),
        );
      }) as NonNullable<ConnectConfig['authHandler']>,
    };
    stream.on('data', listen);
    // `listen` set the stream flowing; nothing may be lost before ssh2 listens too.
    stream.pause();
    signal.addEventListener('abort', abandon, {once: true});
    if (signal.aborted) return abandon();
    if (stream.destroyed) return fail(new DialError(droppedSentence(where)));
    wind();
    try {
      client.connect(config);
      if (keys.offers.some(offer => offer.certified)) renameSignatures(client);
    } catch (error) {
      fail(new DialError(handshakeSentence(where, error instanceof Error ? error.message : String(error))));
    }
  });
}

function openShell(
  client: Client,
  loss: Loss,
  where: Where,
  command: string,
  signal: AbortSignal,
): Promise<Shell> {
  const request = (done: (error: ChannelError | undefined, channel: ClientChannel) => void) =>
    client.exec(command, done);
  const failed = (error: ChannelError) => new DialError(execSentence(where, error.reason, error.message));
  return openChannel(where, request, failed, signal).then(channel => {
    let exit: number | null | undefined;
    let killed: string | undefined;
    channel.on('exit', (code: number | null, by?: string) => {
      exit = code;
      killed = by;
    });
    // A write after the link is gone is told by `gone`, and must not end the program.
    channel.on('error', () => {});
    const closed = new Promise<string>(resolve => {
      channel.on('close', () => {
        // When the connection itself breaks, the channel closes too: the cause is told by `loss`, a tick later.
        if (loss.over || loss.ending || exit === undefined)
          setTimeout(resolve, SOON_MS, endedSentence(where, exit, killed));
        else resolve(endedSentence(where, exit, killed));
      });
    });
    return {
      stdin: channel,
      stdout: channel,
      stderr: channel.stderr,
      gone: Promise.race([closed, loss.sentence]),
      end: () => {
        loss.ending = true;
        channel.end();
      },
    };
  });
}

function forward(client: Client, where: Where, to: Hop, signal: AbortSignal): Promise<Duplex> {
  const request = (done: (error: ChannelError | undefined, channel: ClientChannel) => void) =>
    client.forwardOut('127.0.0.1', 0, to.host, to.port, done);
  const failed = (error: ChannelError) =>
    new DialError(forwardSentence(where, to, error.reason, error.message));
  return openChannel(where, request, failed, signal);
}

type ChannelError = Error & {readonly reason?: unknown};

function openChannel(
  where: Where,
  request: (done: (error: ChannelError | undefined, channel: ClientChannel) => void) => unknown,
  failed: (error: ChannelError) => DialError,
  signal: AbortSignal,
): Promise<ClientChannel> {
  return new Promise((resolve, reject) => {
    const {connectTimeout} = where.hop;
    const settle = (finish: () => void) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abandon);
      finish();
    };
    const abandon = () => settle(() => reject(stopped(where)));
    const timer = setTimeout(
      () => settle(() => reject(new DialError(silentSentence(where, connectTimeout)))),
      connectTimeout * 1000,
    );
    signal.addEventListener('abort', abandon, {once: true});
    if (signal.aborted) return abandon();
    try {
      request((error, channel) => settle(() => (error ? reject(failed(error)) : resolve(channel))));
    } catch (error) {
      settle(() => reject(failed(error instanceof Error ? error : new Error(String(error)))));
    }
  });
}

function end(client: Client, loss: Loss, stream: Duplex): void {
  loss.ending = true;
  client.end();
  if (loss.over) return;
  const timer = setTimeout(() => stream.destroy(), FAREWELL_MS);
  timer.unref();
  loss.sentence.then(() => clearTimeout(timer));
}

function asDialError(error: unknown): DialError {
  return error instanceof DialError
    ? error
    : new DialError(error instanceof Error ? error.message : String(error), true);
}
