/** The HTTP proxy before an API server: `proxy-url` of the kubeconfig, else the environment's, as kubectl takes it. */
import {request as httpRequest} from 'node:http';
import {request as httpsRequest} from 'node:https';
import type {Duplex} from 'node:stream';
import {KubeError} from './error.ts';
import type {Access} from './kubeconfig.ts';

/**
 * The proxy that requests go through; undefined where they go straight. From the environment (Go's
 * net/http.ProxyFromEnvironment): HTTPS_PROXY, or https_proxy, but for what NO_PROXY names, and never to this machine.
 * Throws a final `KubeError` for one that is not understood.
 */
export function proxyOf(
  {proxy, server, context}: Pick<Access, 'proxy' | 'server' | 'context'>,
  env: Readonly<Record<string, string | undefined>>,
): URL | undefined {
  const own =
    server.protocol === 'https:'
      ? env['HTTPS_PROXY'] || env['https_proxy']
      : env['HTTP_PROXY'] || env['http_proxy'];
  const named = proxy ?? (isExempt(server, env['NO_PROXY'] || env['no_proxy'] || '') ? undefined : own);
  if (named === undefined || named === '') return undefined;
  const url = URL.parse(named.includes('://') ? named : `http://${named}`);
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  throw new KubeError(
    `The proxy of context “${context}” (${url?.protocol.replace(':', '') ?? 'no URL'}) is not one that hoptop speaks to: http and https are. --kube-via NODE goes through a node instead.`,
    true,
  );
}

function isExempt({hostname, port}: URL, list: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '');
  if (host === 'localhost' || host === '::1' || host.startsWith('127.')) return true;
  return list
    .split(',')
    .map(entry => entry.trim().toLowerCase())
    .filter(entry => entry !== '')
    .some(entry => {
      if (entry === '*') return true;
      const bits = /^([0-9.]+)\/(\d+)$/.exec(entry);
      if (bits) return within(host, bits[1]!, Number(bits[2]));
      const [name = '', own] = /^(.*?)(?::(\d+))?$/.exec(entry)!.slice(1) as [string, string | undefined];
      if (own !== undefined && own !== port) return false;
      const bare = name.replace(/^\*?\./, '');
      return host === name || host.endsWith(`.${bare}`);
    });
}

function within(host: string, prefix: string, bits: number): boolean {
  const number = (address: string) =>
    /^\d+(\.\d+){3}$/.test(address)
      ? address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
      : Number.NaN;
  const size = 2 ** (32 - bits);
  return Math.floor(number(host) / size) === Math.floor(number(prefix) / size);
}

/** A stream to `host:port` that the proxy opens (CONNECT). Its credentials stand in its URL. */
export function throughProxy(proxy: URL, host: string, port: number, signal: AbortSignal): Promise<Duplex> {
  const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  return new Promise((resolve, reject) => {
    const {username, password} = proxy;
    const login = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString(
      'base64',
    );
    const request = (proxy.protocol === 'https:' ? httpsRequest : httpRequest)({
      host: proxy.hostname.replace(/^\[|\]$/g, ''),
      port: proxy.port === '' ? (proxy.protocol === 'https:' ? 443 : 80) : Number(proxy.port),
      method: 'CONNECT',
      path: authority,
      headers: {host: authority, ...(username === '' ? {} : {'proxy-authorization': `Basic ${login}`})},
      signal,
    });
    const fail = (why: string, final: boolean) =>
      reject(
        new KubeError(
          `The proxy ${proxy.host} does not lead to ${authority}: ${why}. Check proxy-url in the kubeconfig, or HTTPS_PROXY and NO_PROXY.`,
          final,
        ),
      );
    request.once('connect', ({statusCode, statusMessage}, socket) => {
      if (statusCode === 200) return resolve(socket);
      socket.destroy();
      fail(
        `it answered ${statusCode} ${statusMessage ?? ''}`.trimEnd(),
        statusCode === 403 || statusCode === 407,
      );
    });
    request.once('response', response => {
      response.resume();
      fail(`it answered ${response.statusCode}`, true);
    });
    request.once('error', error => fail(error.message, false));
    request.end();
  });
}
