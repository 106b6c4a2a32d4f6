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
  const [client, agent, keys] = await Promise.all([
    import('ssh2/lib/client.js'),
    import('ssh2/lib/agent.js'),
    import('ssh2/lib/protocol/keyParser.js'),
  ]);
  const {createAgent, BaseAgent} = agent.default;
  return {Client: client.default, createAgent, BaseAgent, utils: {parseKey: keys.default.parseKey}};
}

export function loadSsh2(): Promise<Ssh2> {
  loading ??= load();
  return loading;
}
