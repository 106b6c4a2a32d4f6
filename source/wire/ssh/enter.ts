/**
 * All that comes after the socket: the SSH library, keys, host key, login. Apart from what dials, so that it is loaded
 * while the server takes its time to greet.
 */
import type {Duplex} from 'node:stream';
import type {Report} from '../shell.ts';
import {type Link, openLink} from './connection.ts';
import {hostKeyAlgorithms} from './hop-settings.ts';
import {gatherKeys} from './keys.ts';
import {loadSsh2} from './library.ts';
import type {Secrets} from './secrets.ts';
import type {Where} from './sentences.ts';
import type {Trust} from './trust.ts';

export type EnterOptions = {
  readonly where: Where;
  readonly trust: Trust;
  readonly secrets: Secrets;
  readonly report: Report;
  readonly signal: AbortSignal;
};

/** Opens the connection over a stream; `carrier` is the `lost` of the one that the stream runs in. */
export type Enter = (stream: Duplex, carrier?: Promise<string>) => Promise<Link>;

/** Reads keys and known hosts. Rejects with a final `DialError` where one of them is wrong. */
export async function prepareEntry({where, trust, secrets, report, signal}: EnterOptions): Promise<Enter> {
  const {hop} = where;
  const ssh2 = await loadSsh2();
  const keys = await gatherKeys(hop, ssh2, secrets);
  const hostKeys = hostKeyAlgorithms(hop.hostKeyAlgorithms, await trust.typesFor(where), hop.alias);
  return (stream, carrier) =>
    openLink({
      ssh2,
      stream,
      where,
      keys,
      secrets,
      hostKeys,
      trust,
      report,
      signal,
      ...(carrier ? {carrier} : {}),
    });
}
