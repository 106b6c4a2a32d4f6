/**
 * The only place that knows where the SSH protocol comes from. It costs some 40 ms to load, so it is loaded at the
 * first dial.
 */
import type ssh2 from 'ssh2';

export type {AnyAuthMethod, Client, ClientChannel, ConnectConfig, ParsedKey} from 'ssh2';

export type Ssh2 = typeof ssh2;

let loading: Promise<Ssh2> | undefined;

export function loadSsh2(): Promise<Ssh2> {
  loading ??= import('ssh2').then(module => module.default);
  return loading;
}
