import {isIPv6} from 'node:net';
import {DialError} from '../shell.ts';

/** What a person typed to name a node. Absent parts come from the flags, then from ssh's configuration. */
export type Target = {
  readonly host: string;
  readonly user?: string;
  readonly port?: number;
  /** Jump hosts of its own, which go before -J: as that takes them. */
  readonly jump?: string;
};

/** How to type a target, for error sentences. */
const SHAPE = 'write it as [USER@]HOST[:PORT], an IPv6 address with a port as [ADDRESS]:PORT';

/**
 * Reads `host`, `user@host:port`, `[v6]:port`, `user@[v6]:port`, a bare IPv6 address, or `ssh://…` as ssh(1) has it.
 * Throws a final `DialError` saying what is wrong and how to write it.
 */
export function parseTarget(text: string): Target {
  const bad = (what: string) => new DialError(`"${text}" is not a node: ${what}; ${SHAPE}.`, true);
  const plain = text
    .trim()
    .replace(/^ssh:\/\//, '')
    .replace(/\/$/, '');
  if (plain === '') throw bad('it is empty');
  // A user name may hold an @ (a directory's user@domain), a host may not: ssh splits at the last one too.
  const at = plain.lastIndexOf('@');
  const user = at < 0 ? undefined : plain.slice(0, at);
  if (user === '') throw bad('no user stands before the @');
  const {host, port} = splitPort(plain.slice(at + 1), bad);
  if (host === '') throw bad('it names no host');
  // ssh refuses such hosts and users as well: they could be taken for options, or reach a shell.
  if (host.startsWith('-') || /[\s/\\'"`$;&<>|(){}\x00-\x1f\x7f]/.test(host))
    throw bad('that is no host name');
  if (user !== undefined && (user.startsWith('-') || /[\s'"`;&<>|(){}\x00-\x1f\x7f]/.test(user))) {
    throw bad('that is no user name');
  }
  return {
    host,
    ...(user === undefined ? {} : {user}),
    ...(port === undefined ? {} : {port: parsePort(port, bad)}),
  };
}

/** Reads a comma list of jump hosts as `-J` and ProxyJump take it; `none` is the empty list. */
export function parseJumps(text: string): readonly Target[] {
  if (text.trim().toLowerCase() === 'none') return [];
  return text.split(',').map(parseTarget);
}

/** A port as text. Throws what `bad` makes of the reason. */
export function parsePort(text: string, bad: (what: string) => Error): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65535) throw bad(`"${text}" is no port (1 to 65535)`);
  return port;
}

function splitPort(text: string, bad: (what: string) => Error): {host: string; port?: string} {
  if (text.startsWith('[')) {
    const match = /^\[([^\]]*)\](?::(.*))?$/s.exec(text);
    if (!match) throw bad('its brackets do not match');
    const [, host = '', port] = match;
    if (!isIPv6(host)) throw bad(`"${host}" is no IPv6 address`);
    return port === undefined ? {host} : {host, port};
  }
  const colon = text.indexOf(':');
  if (colon < 0) return {host: text};
  if (isIPv6(text)) return {host: text};
  if (colon !== text.lastIndexOf(':')) throw bad('it has several colons and is no IPv6 address');
  return {host: text.slice(0, colon), port: text.slice(colon + 1)};
}
