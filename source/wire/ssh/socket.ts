import {connect, type Socket} from 'node:net';
import {DialError} from '../shell.ts';
import {connectSentence, silentSentence, type Where} from './sentences.ts';

/**
 * A TCP connection to a hop, with TCP_NODELAY: without it a request waits for the delayed ACK of the one before,
 * some 40 ms each. Rejects with a `DialError`.
 */
export function openSocket(where: Where, signal: AbortSignal): Promise<Socket> {
  const {host, port, connectTimeout, family, bindAddress} = where.hop;
  return new Promise((resolve, reject) => {
    // Names with several addresses: the usual 250 ms for each is too short for a far machine.
    const socket = connect({
      host,
      port,
      noDelay: true,
      autoSelectFamilyAttemptTimeout: 1000,
      ...(family === 0 ? {} : {family}),
      ...(bindAddress === undefined ? {} : {localAddress: bindAddress}),
    });
    const settle = (end: () => void) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abandon);
      socket.removeListener('error', fail);
      socket.removeListener('connect', succeed);
      end();
    };
    const fail = (error: unknown) => {
      settle(() => reject(new DialError(connectSentence(where, error))));
      socket.destroy();
    };
    const succeed = () => settle(() => resolve(gathering(socket)));
    const abandon = () => {
      settle(() => reject(stopped(where)));
      socket.destroy();
    };
    const timer = setTimeout(() => {
      settle(() => reject(new DialError(silentSentence(where, connectTimeout))));
      socket.destroy();
    }, connectTimeout * 1000);
    // Whoever takes it over listens a little later; an error in between must not end the program.
    socket.on('error', () => {});
    socket.once('error', fail);
    socket.once('connect', succeed);
    signal.addEventListener('abort', abandon, {once: true});
    if (signal.aborted) abandon();
  });
}

/**
 * ssh2 writes each packet in three parts: its length, what is in it, its tag. With TCP_NODELAY each of them is a segment
 * of its own, for which the server is woken; written in one go they are one.
 */
function gathering(socket: Socket): Socket {
  const write = socket.write.bind(socket) as (...all: unknown[]) => boolean;
  const release = () => socket.uncork();
  socket.write = (...all: unknown[]) => {
    if (socket.writableCorked === 0) {
      socket.cork();
      process.nextTick(release);
    }
    return write(...all);
  };
  return socket;
}

/** What a dial rejects with when its caller gave up. */
export function stopped({hop}: Where): DialError {
  return new DialError(`Connecting to ${hop.alias} was stopped.`);
}
