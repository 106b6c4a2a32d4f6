/** As whom the API is asked: what each connection and request carries, from the kubeconfig's user. */
import {spawn} from 'node:child_process';
import {X509Certificate} from 'node:crypto';
import {readFile} from 'node:fs/promises';
import {KubeError} from './error.ts';
import type {Access, Exec, Material} from './kubeconfig.ts';

export type Credentials = {
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /** PEM. */
  readonly cert?: Buffer;
  readonly key?: Buffer;
  /** Milliseconds since 1970 from which they are no longer good, where that is known. */
  readonly until?: number;
};

export type Login = {
  /** The same until they expire, or `forget`. Rejects with a `KubeError`. */
  get(signal: AbortSignal): Promise<Credentials>;
  /** They were refused: the next `get` reads the files and asks the plugin anew, once for all who were refused. */
  forget(refused: Credentials): void;
};

/** How long a login program may take: a person may have to confirm it in a browser. */
const PLUGIN_MS = 60_000;
/** Files (tokens that are rotated, as a pod's) are read again after so long, as client-go does. */
const AGAIN_MS = 60_000;
const PLUGIN_BYTES = 1_000_000;

export function createLogin(access: Access, now: () => number = Date.now): Login {
  let last: Credentials | undefined;
  let made: {readonly credentials: Promise<Credentials>; readonly at: number} | undefined;
  return {
    async get(signal) {
      if (made) {
        const {credentials, at} = made;
        const known = await credentials.catch(() => undefined);
        if (known && now() < (known.until ?? at + AGAIN_MS)) return known;
      }
      made = {credentials: credentialsOf(access, signal), at: now()};
      last = await made.credentials;
      return last;
    },
    forget(refused) {
      if (last !== refused) return;
      made = undefined;
      last = undefined;
    },
  };
}

/** Bytes of what stands in the kubeconfig or in a file that it names. */
export async function bytesOf(material: Material, what: string): Promise<Buffer> {
  if ('data' in material) return material.data;
  try {
    return await readFile(material.file);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new KubeError(
      `${what} could not be read: ${material.file} (${code === 'ENOENT' ? 'there is no such file' : code}). Mend the kubeconfig.`,
      true,
    );
  }
}

async function credentialsOf(access: Access, signal: AbortSignal): Promise<Credentials> {
  const {user} = access;
  const headers: Record<string, string | readonly string[]> = {...user.impersonate};
  if (user.token) {
    const token = (await bytesOf(user.token, `The token of the user “${user.name}”`)).toString('utf8').trim();
    headers['Authorization'] = `Bearer ${token}`;
  } else if (user.basic) {
    const {username, password} = user.basic;
    headers['Authorization'] = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  }
  const pair =
    user.cert && user.key
      ? {
          cert: await bytesOf(user.cert, `The certificate of the user “${user.name}”`),
          key: await bytesOf(user.key, `The key of the user “${user.name}”`),
        }
      : {};
  // As client-go: what stands in the kubeconfig goes before a plugin.
  if (!user.exec || headers['Authorization'] !== undefined || 'cert' in pair) return {headers, ...pair};
  const status = await runPlugin(access, user.exec, signal);
  return {
    headers: {...headers, ...(status.token === undefined ? {} : {Authorization: `Bearer ${status.token}`})},
    ...(status.cert && status.key ? {cert: Buffer.from(status.cert), key: Buffer.from(status.key)} : {}),
    // Without an end they are good for as long as the program runs (client-go, ExecCredentialStatus).
    until: status.until ?? Number.POSITIVE_INFINITY,
  };
}

type Status = {
  readonly token?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly until?: number;
};

/**
 * Runs a login program (client.authentication.k8s.io ExecCredential): it is told the cluster in KUBERNETES_EXEC_INFO,
 * has no terminal, and answers in JSON.
 */
async function runPlugin(access: Access, exec: Exec, signal: AbortSignal): Promise<Status> {
  const name = `The login program ${exec.command} of the user “${access.user.name}”`;
  if (exec.interactive === 'Always')
    throw new KubeError(
      `${name} wants a terminal, which hoptop needs itself. Log in with it first, or use a token.`,
      true,
    );
  const out = await outputOf(access, exec, name, signal);
  let answer: unknown;
  try {
    answer = JSON.parse(out);
  } catch {
    throw new KubeError(
      `${name} answered with no ExecCredential. Run it by hand to see what it says.`,
      false,
    );
  }
  const status = ((answer ?? {}) as {status?: Record<string, unknown>}).status ?? {};
  const word = (key: string) => (typeof status[key] === 'string' ? (status[key] as string) : undefined);
  const [token, cert, key] = [word('token'), word('clientCertificateData'), word('clientKeyData')];
  if (token === undefined && (cert === undefined || key === undefined))
    throw new KubeError(
      `${name} gave neither a token nor a certificate. Log in with it first, by hand.`,
      false,
    );
  const until = Date.parse(word('expirationTimestamp') ?? '');
  return {
    ...(token === undefined ? {} : {token}),
    ...(cert === undefined || key === undefined ? {} : {cert, key}),
    ...(Number.isNaN(until) ? {} : {until}),
  };
}

async function outputOf(access: Access, exec: Exec, name: string, signal: AbortSignal): Promise<string> {
  const info = await execInfo(access, exec);
  const env = {
    ...process.env,
    ...Object.fromEntries(exec.env.map(one => [one.name, one.value])),
    KUBERNETES_EXEC_INFO: info,
  };
  return new Promise((resolve, reject) => {
    const fail = (sentence: string, final = false) => reject(new KubeError(sentence, final));
    const child = spawn(exec.command, exec.args, {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      signal: AbortSignal.any([signal, AbortSignal.timeout(PLUGIN_MS)]),
    });
    let [out, err] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
      if (out.length > PLUGIN_BYTES) child.kill();
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (err.length < 2000) err += text;
    });
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT')
        return fail(
          `${name} is not installed. ${exec.installHint ?? 'Install it, or choose another context.'}`,
          true,
        );
      if (signal.aborted) return fail(`${name} was stopped.`, true);
      if (error.name === 'AbortError')
        return fail(`${name} did not answer within ${PLUGIN_MS / 1000} s. Log in with it first, by hand.`);
      fail(`${name} could not be run: ${error.message}.`, true);
    });
    child.once('close', (status, killed) => {
      if (status === 0) return resolve(out);
      const said = err.trim().split('\n').at(-1)?.slice(0, 200);
      fail(
        `${name} failed (${killed ?? `status ${status}`})${said ? `: ${said}` : ''}. Log in with it first, by hand.`,
      );
    });
  });
}

async function execInfo({server, ca, serverName, insecure, proxy}: Access, exec: Exec): Promise<string> {
  const data = ca && (await bytesOf(ca, 'The CA certificate of the cluster')).toString('base64');
  const cluster = {
    server: server.href.replace(/\/$/, ''),
    ...(data ? {'certificate-authority-data': data} : {}),
    ...(serverName ? {'tls-server-name': serverName} : {}),
    ...(insecure ? {'insecure-skip-tls-verify': true} : {}),
    ...(proxy ? {'proxy-url': proxy} : {}),
    config: null,
  };
  return JSON.stringify({
    kind: 'ExecCredential',
    apiVersion: exec.apiVersion,
    spec: {interactive: false, ...(exec.provideClusterInfo ? {cluster} : {})},
  });
}

/** When a PEM certificate ends; undefined for what is none. */
export function endOf(pem: Buffer): Date | undefined {
  try {
    return new Date(new X509Certificate(pem).validTo);
  } catch {
    return undefined;
  }
}
