/** Asks the API over HTTPS: one shared set of connections, always GET, TLS verified unless the kubeconfig says not to. */
import {
  type Agent,
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
} from 'node:http';
import {Agent as HttpsAgent, request as httpsRequest} from 'node:https';
import type {Duplex, Readable} from 'node:stream';
import {connect as tlsConnect} from 'node:tls';
import {createGunzip} from 'node:zlib';
import {bytesOf, type Credentials, createLogin, endOf} from './credentials.ts';
import {KubeError} from './error.ts';
import type {Access} from './kubeconfig.ts';
import {proxyOf, throughProxy} from './proxy.ts';
import {connectionError, isLoopback, silentError, unauthorized} from './sentences.ts';

export type Answer = {readonly status: number; readonly body: Readable};

export type KubeClient = {
  readonly access: Access;
  /**
   * The answer to a GET, whatever its status but 401. `silence` bounds the time in which nothing arrives, in seconds.
   * Rejects with a `KubeError`; so does the body, when it breaks off, with what `broken` makes a sentence of.
   */
  get(path: string, silence: number, signal: AbortSignal): Promise<Answer>;
  broken(error: unknown): KubeError;
  close(): void;
};

type Used = {credentials?: Credentials};

export type ClientOptions = {
  readonly access: Access;
  /** Opens a stream to the API server from somewhere else, and what that place is called. */
  readonly via?: {
    readonly name: string;
    open(host: string, port: number, signal: AbortSignal): Promise<Duplex>;
    /** Makes a sentence of what goes wrong on that way; anything else is returned as it is. */
    explain?(error: unknown): unknown;
  };
  /** For the proxy; the process's own when not given. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Of hoptop, for the server's own log. */
  readonly agentName?: string;
  readonly connectSeconds?: number;
  readonly step?: (step: string) => void;
};

/** Lists of three workloads, pods and nodes at once, each with its watch: more connections are of no use. */
const CONNECTIONS = 6;

export function createClient(options: ClientOptions): KubeClient {
  const {access, via, connectSeconds = 10, step = () => {}} = options;
  const login = createLogin(access);
  const secure = access.server.protocol === 'https:';
  let held: {readonly key: string; readonly agent: Agent} | undefined;
  let closed = false;

  const agentFor = async ({cert, key}: Credentials): Promise<Agent> => {
    const ca = access.ca && (await bytesOf(access.ca, 'The CA certificate of the cluster'));
    const name = [ca, cert, key].map(part => part?.toString('base64') ?? '').join(' ');
    if (held?.key === name) return held.agent;
    held?.agent.destroy();
    const proxy = via ? undefined : proxyOf(access, options.env ?? process.env);
    const common = {keepAlive: true, maxSockets: CONNECTIONS, autoSelectFamily: true};
    const agent = secure
      ? new HttpsAgent({
          ...common,
          ...(ca ? {ca} : {}),
          ...(cert && key ? {cert, key} : {}),
          ...(access.serverName ? {servername: access.serverName} : {}),
          rejectUnauthorized: !access.insecure,
        })
      : new HttpAgent(common);
    if (via) tunnelled(agent, secure, via.open);
    else if (proxy) tunnelled(agent, secure, (host, to, until) => throughProxy(proxy, host, to, until));
    held = {key: name, agent};
    return agent;
  };

  const once = async (
    path: string,
    silence: number,
    signal: AbortSignal,
    used: Used = {},
  ): Promise<Answer> => {
    if (access.user.exec) step('logging in');
    const credentials = await login.get(signal);
    used.credentials = credentials;
    if (!secure && credentials.headers['Authorization'] !== undefined && !isLoopback(access.server.hostname))
      throw new KubeError(
        `${access.server.href} would get the token of context “${access.context}” unencrypted. Use https:// in ${access.from}.`,
        true,
      );
    const agent = await agentFor(credentials);
    const base = access.server.pathname.replace(/\/$/, '');
    step('connecting');
    const answer = await ask(agent, `${base}${path}`, credentials, silence, signal);
    if (answer.status !== 401) return answer;
    answer.body.resume();
    const ended = credentials.cert && endOf(credentials.cert);
    throw unauthorized(access, ended && ended.getTime() < Date.now() ? ended : undefined);
  };

  const ask = (agent: Agent, path: string, {headers}: Credentials, silence: number, signal: AbortSignal) =>
    new Promise<Answer>((resolve, reject) => {
      const {hostname, port} = access.server;
      const request: ClientRequest = (secure ? httpsRequest : httpRequest)({
        agent,
        host: hostname.replace(/^\[|\]$/g, ''),
        port: port === '' ? (secure ? 443 : 80) : Number(port),
        path,
        headers: {
          ...(headers as Record<string, string | string[]>),
          accept: 'application/json',
          'accept-encoding': 'gzip',
          'user-agent': options.agentName ?? 'hoptop',
        },
        signal,
      });
      let answer: Readable | undefined;
      const late = (seconds: number) =>
        setTimeout(() => {
          const silent = silentError(access, seconds, via?.name);
          // The reader first: from the request it would only hear that the connection was reset.
          answer?.destroy(silent);
          request.destroy(silent);
        }, seconds * 1000);
      let timer = late(connectSeconds);
      const heard = () => {
        clearTimeout(timer);
        timer = late(silence);
      };
      request.once('socket', socket => {
        if (request.reusedSocket) heard();
        else socket.once(secure ? 'secureConnect' : 'connect', heard);
      });
      request.on('error', error => {
        clearTimeout(timer);
        reject(Object.assign(error, {reused: request.reusedSocket}));
      });
      request.once('response', (response: IncomingMessage) => {
        heard();
        response.on('data', heard).once('close', () => clearTimeout(timer));
        // `data` set it flowing; the reader begins a moment later.
        response.pause();
        const zipped = response.headers['content-encoding'] === 'gzip';
        const body: Readable = zipped ? response.pipe(createGunzip()) : response;
        if (zipped) response.once('error', error => body.destroy(error));
        // Gone before anybody read it: whoever reads it then is told.
        body.on('error', () => {});
        answer = body;
        resolve({status: response.statusCode ?? 0, body});
      });
      request.end();
    });

  const tried = async (path: string, silence: number, signal: AbortSignal): Promise<Answer> => {
    const used: Used = {};
    try {
      return await once(path, silence, signal, used);
    } catch (error) {
      // The server had just closed a connection that was kept: that is no failure.
      if ((error as {reused?: boolean}).reused && !(error instanceof KubeError))
        return once(path, silence, signal);
      // Tokens are rotated: what the files and the plugin say now may be good.
      if (error instanceof KubeError && error.refused && used.credentials) {
        login.forget(used.credentials);
        return once(path, silence, signal);
      }
      throw error;
    }
  };

  const broken = (error: unknown) =>
    connectionError(access, via?.explain ? via.explain(error) : error, via?.name);

  return {
    access,
    broken,
    async get(path, silence, signal) {
      if (closed) throw new KubeError('The API is not wanted any more.', true);
      try {
        return await tried(path, silence, signal);
      } catch (error) {
        throw broken(error);
      }
    },
    close() {
      closed = true;
      held?.agent.destroy();
    },
  };
}

type Connecting = (
  options: {host?: string; port?: number; signal?: AbortSignal},
  done: (error: Error | null, stream?: Duplex) => void,
) => undefined;

/** Lets an agent's connections come from somewhere else; the server's certificate is verified as ever, by its own name. */
function tunnelled(agent: Agent, secure: boolean, open: NonNullable<ClientOptions['via']>['open']): void {
  const createConnection: Connecting = (options, done) => {
    open(options.host!, options.port!, options.signal ?? AbortSignal.timeout(60_000)).then(
      stream => {
        if (!secure) return done(null, stream);
        const {signal: _, ...rest} = options;
        const socket = tlsConnect({...rest, socket: stream});
        // An error before it is the request's own is told by the request, which listens from now on.
        done(null, socket);
      },
      (error: Error) => done(error),
    );
    return undefined;
  };
  (agent as unknown as {createConnection: Connecting}).createConnection = createConnection;
}
