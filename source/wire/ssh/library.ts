/**
 * The only place that knows where the SSH protocol comes from. It takes its time to load, so that happens at the first
 * dial, and only the client's parts: the library's front door also loads a server, SFTP, and Node's HTTP and TLS.
 */
import type ssh2 from 'ssh2';

export type {AnyAuthMethod, Client, ClientChannel, ConnectConfig, ParsedKey} from 'ssh2';

export type Ssh2 = Pick<typeof ssh2, 'Client' | 'createAgent' | 'BaseAgent'> & {
  readonly utils: Pick<typeof ssh2.utils, 'parseKey'>;
};

let loading: Promise<Ssh2> | undefined;

async function load(): Promise<Ssh2> {
  const {Client, createAgent, BaseAgent, parseKey} = await import('./ssh2.ts');
  return {Client, createAgent, BaseAgent, utils: {parseKey}};
}

export function loadSsh2(): Promise<Ssh2> {
  loading ??= load();
  return loading;
}
