/** A real HTTPS server that says what a kube-apiserver said (`test/fixtures/kube`), and fails as one can fail. */
import {readFileSync} from 'node:fs';
import type {IncomingMessage, ServerResponse} from 'node:http';
import {createServer} from 'node:https';
import type {AddressInfo} from 'node:net';
import type {Duplex} from 'node:stream';
import type {TLSSocket} from 'node:tls';
import {gzipSync} from 'node:zlib';
import type {Pair} from './certificates.ts';

type List = {kind: string; apiVersion: string; metadata: {resourceVersion: string}; items: unknown[]};

export function fixture(name: string): string {
  return readFileSync(new URL(`../../fixtures/kube/${name}`, import.meta.url), 'utf8');
}

/** Answers one request by itself; false leaves it to the usual answer. */
export type Handler = (url: URL, response: ServerResponse, request: IncomingMessage) => boolean | undefined;

export type ApiServer = {
  readonly port: number;
  /** Requests so far, as `GET /api/v1/pods?limit=500`. */
  readonly requests: string[];
  /** Connections accepted so far. */
  connections(): number;
  /** What is at a path, in the form of a list. */
  readonly lists: Map<string, List>;
  /** Asked first, in order. */
  readonly handlers: Handler[];
  /** Open watches by path: what is written to them is a line of the stream. */
  watches(path: string): readonly ServerResponse[];
  /** Breaks every connection off. */
  cut(): void;
  close(): Promise<void>;
};

export type ServerOptions = {
  readonly pair: Pair;
  readonly ca: Pair;
  /** Tokens that are known; a client certificate by `ca` is as good. Without any, everybody may ask. */
  readonly tokens?: () => readonly string[];
  readonly port?: number;
  readonly host?: string;
};

const PATHS: Readonly<Record<string, string>> = {
  '/api/v1/nodes': 'nodes.json',
  '/api/v1/pods': 'pods.json',
  '/apis/apps/v1/daemonsets': 'daemonsets.json',
  '/apis/apps/v1/deployments': 'deployments.json',
  '/apis/apps/v1/statefulsets': 'statefulsets.json',
};

export async function startApiServer(options: ServerOptions): Promise<ApiServer> {
  const {pair, ca, tokens, port = 0, host = '127.0.0.1'} = options;
  const lists = new Map(
    Object.entries(PATHS).map(([path, file]) => [path, JSON.parse(fixture(file)) as List] as const),
  );
  const requests: string[] = [];
  const handlers: Handler[] = [];
  const sockets = new Set<Duplex>();
  const watching = new Map<string, Set<ServerResponse>>();
  let connections = 0;

  const send = (request: IncomingMessage, response: ServerResponse, status: number, text: string) => {
    response.statusCode = status;
    response.setHeader('content-type', 'application/json');
    // As a kube-apiserver does for larger answers (APIResponseCompression).
    const zip = text.length > 128 * 1024 && /gzip/.test(String(request.headers['accept-encoding']));
    if (zip) response.setHeader('content-encoding', 'gzip');
    response.end(zip ? gzipSync(text) : text);
  };

  const mayAsk = (request: IncomingMessage) => {
    const known = tokens?.();
    if (known === undefined) return true;
    if ((request.socket as TLSSocket).authorized) return true;
    const token = /^Bearer (.*)$/.exec(request.headers.authorization ?? '')?.[1];
    return token !== undefined && known.includes(token);
  };

  const page = (list: List, url: URL): string => {
    const limit = Number(url.searchParams.get('limit') ?? 0) || list.items.length;
    const from = Number(Buffer.from(url.searchParams.get('continue') ?? '', 'base64').toString() || 0);
    const rest = list.items.length - from - limit;
    const metadata = {
      ...list.metadata,
      ...(rest > 0
        ? {continue: Buffer.from(String(from + limit)).toString('base64'), remainingItemCount: rest}
        : {}),
    };
    return JSON.stringify({...list, metadata, items: list.items.slice(from, from + limit)});
  };

  const server = createServer(
    {cert: pair.cert, key: pair.key, ca: ca.cert, requestCert: true, rejectUnauthorized: false},
    (request, response) => {
      requests.push(`${request.method} ${request.url}`);
      const url = new URL(request.url ?? '/', 'https://api');
      if (!mayAsk(request)) return send(request, response, 401, fixture('nodes-bad-token.json'));
      if (handlers.some(handle => handle(url, response, request))) return;
      const list = lists.get(url.pathname);
      if (!list)
        return send(
          request,
          response,
          404,
          '{"kind":"Status","status":"Failure","message":"the server could not find the requested resource","code":404}',
        );
      if (!url.searchParams.has('watch')) return send(request, response, 200, page(list, url));
      response.setHeader('content-type', 'application/json');
      response.flushHeaders();
      const all = watching.get(url.pathname) ?? new Set();
      watching.set(url.pathname, all);
      all.add(response);
      response.on('close', () => all.delete(response));
    },
  );
  server.on('connection', socket => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    connections: () => connections,
    lists,
    handlers,
    watches: path => [...(watching.get(path) ?? [])],
    cut() {
      for (const socket of sockets) socket.destroy();
    },
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

type PodObject = {
  metadata: {name: string; uid: string};
  spec: {hostNetwork?: boolean};
  status: {podIP?: string; podIPs?: {ip: string}[]};
};

/** So many pods in the form of the list's own, each with a name, a uid and an address of its own. */
export function multiplied(list: List, count: number): List {
  const pods = list.items as PodObject[];
  const items = Array.from({length: count}, (_, i) => {
    const pod = structuredClone(pods[i % pods.length]!);
    pod.metadata.name += `-${i}`;
    pod.metadata.uid = pod.metadata.uid.slice(0, 28) + String(i).padStart(8, '0');
    if (!pod.spec.hostNetwork) {
      const ip = `10.${100 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`;
      pod.status = {...pod.status, podIP: ip, podIPs: [{ip}]};
    }
    return pod;
  });
  return {...list, items};
}

/** A kubeconfig for one cluster and one user, in JSON, which is YAML. */
export function kubeconfig(options: {
  readonly server: string;
  readonly ca?: string;
  readonly user?: object;
  readonly cluster?: object;
}): string {
  const {server, ca, user = {}, cluster = {}} = options;
  const data = ca === undefined ? {} : {'certificate-authority-data': Buffer.from(ca).toString('base64')};
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'lab',
    contexts: [{name: 'lab', context: {cluster: 'lab', user: 'admin'}}],
    clusters: [{name: 'lab', cluster: {server, ...data, ...cluster}}],
    users: [{name: 'admin', user}],
  });
}
