/**
 * The kubeconfig as kubectl reads it (client-go, tools/clientcmd): several files are merged, the first that names a
 * thing wins; inline data goes before files; paths are relative to the file they stand in. Pure but for `readFiles`.
 */
import {readFile} from 'node:fs/promises';
import {dirname, isAbsolute, join} from 'node:path';
import {parse} from 'yaml';
import {KubeError} from './error.ts';

/** What `parse` of the YAML library makes of a mapping. */
type Fields = Readonly<Record<string, unknown>>;

export type Exec = {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: readonly {readonly name: string; readonly value: string}[];
  readonly apiVersion: string;
  readonly installHint?: string;
  readonly provideClusterInfo: boolean;
  readonly interactive: 'Never' | 'IfAvailable' | 'Always';
};

/** A certificate, key or token: inline, or in a file that is read again at every connection. */
export type Material = {readonly data: Buffer} | {readonly file: string};

export type User = {
  readonly name: string;
  readonly token?: Material;
  readonly basic?: {readonly username: string; readonly password: string};
  readonly cert?: Material;
  readonly key?: Material;
  readonly exec?: Exec;
  /** What `as`, `as-groups`, `as-uid` and `as-user-extra` become in each request. */
  readonly impersonate: Readonly<Record<string, string | readonly string[]>>;
};

/** How one API server is reached, and as whom. */
export type Access = {
  /** Name of the context; where it was read, for sentences. */
  readonly context: string;
  readonly from: string;
  readonly server: URL;
  readonly ca?: Material;
  /** Name that the server's certificate must be for, where it is not the host of `server`. */
  readonly serverName?: string;
  /** `insecure-skip-tls-verify`: the person's own file says not to verify the server. */
  readonly insecure: boolean;
  readonly proxy?: string;
  readonly user: User;
};

/** A file's text; `folder` is what relative paths in it are relative to, absent where it may name no file. */
export type ConfigFile = {readonly name: string; readonly text: string; readonly folder?: string};

/** Reads the files that there are. Throws a `KubeError` for one that is `must` and missing, and for unreadable ones. */
export async function readFiles(paths: readonly string[], must: boolean): Promise<ConfigFile[]> {
  const files: ConfigFile[] = [];
  for (const name of paths) {
    try {
      files.push({name, text: await readFile(name, 'utf8'), folder: dirname(name)});
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? String(error);
      if (code === 'ENOENT' && !must) continue;
      const why =
        code === 'ENOENT' ? 'there is no such file' : code === 'EACCES' ? 'it may not be read' : code;
      throw new KubeError(
        `The kubeconfig ${name} could not be read: ${why}. Name another with --kubeconfig FILE.`,
        true,
      );
    }
  }
  return files;
}

/** The way in that `context`, or else the files' current context, names. Throws a final `KubeError`. */
export function accessOf(files: readonly ConfigFile[], context: string | undefined): Access {
  const parsed = files.map(file => ({file, fields: fieldsOf(file)}));
  const from = files.map(({name}) => name).join(', ');
  const current = parsed.map(({fields}) => words(fields, 'current-context')).find(name => name !== undefined);
  const name = context ?? current;
  const names = [...new Set(parsed.flatMap(({fields}) => entries(fields, 'contexts').map(one => one.name)))];
  const known = names.length > 0 ? `It has: ${names.join(', ')}.` : 'It has none.';
  if (name === undefined || name === '')
    throw new KubeError(`${from} has no current context. ${known} Choose one with --context NAME.`, true);
  const find = (list: 'contexts' | 'clusters' | 'users', wanted: string) => {
    for (const {file, fields} of parsed) {
      const found = entries(fields, list).find(one => one.name === wanted);
      if (found) return {...found, file};
    }
    return undefined;
  };
  const chosen = find('contexts', name);
  if (!chosen) throw new KubeError(`${from} has no context “${name}”. ${known}`, true);
  const [clusterName, userName] = [words(chosen.fields, 'cluster') ?? '', words(chosen.fields, 'user') ?? ''];
  const cluster = find('clusters', clusterName);
  if (!cluster)
    throw new KubeError(
      `The context “${name}” of ${from} names a cluster “${clusterName}” that is not in it.`,
      true,
    );
  const user = find('users', userName);
  if (!user && userName !== '')
    throw new KubeError(
      `The context “${name}” of ${from} names a user “${userName}” that is not in it.`,
      true,
    );
  const ca = material(cluster.fields, 'certificate-authority', cluster.file);
  const serverName = words(cluster.fields, 'tls-server-name');
  const proxy = words(cluster.fields, 'proxy-url');
  return {
    context: name,
    from: cluster.file.name,
    server: serverOf(cluster.fields, clusterName, from),
    insecure: cluster.fields['insecure-skip-tls-verify'] === true,
    user: user ? userOf(userName, user.fields, user.file) : {name: '', impersonate: {}},
    ...(ca ? {ca} : {}),
    ...(serverName ? {serverName} : {}),
    ...(proxy ? {proxy} : {}),
  };
}

/** Where a pod finds its own cluster's API (`rest.InClusterConfig`); undefined outside of one. */
export function inCluster(
  env: Readonly<Record<string, string | undefined>>,
  folder = '/var/run/secrets/kubernetes.io/serviceaccount',
): Access | undefined {
  const [host, port] = [env['KUBERNETES_SERVICE_HOST'], env['KUBERNETES_SERVICE_PORT']];
  if (!host || !port) return undefined;
  return {
    context: 'in-cluster',
    from: folder,
    server: new URL(`https://${host.includes(':') ? `[${host}]` : host}:${port}`),
    ca: {file: join(folder, 'ca.crt')},
    insecure: false,
    user: {name: 'service account', token: {file: join(folder, 'token')}, impersonate: {}},
  };
}

function fieldsOf(file: ConfigFile): Fields {
  let value: unknown;
  try {
    value = parse(file.text, {logLevel: 'error', uniqueKeys: false});
  } catch (error) {
    // Only where it is broken, never the line itself: secrets stand in these files.
    const line = (error as {linePos?: readonly {line: number}[]}).linePos?.[0]?.line;
    throw new KubeError(
      `The kubeconfig ${file.name} is broken YAML${line === undefined ? '' : ` at line ${line}`}.`,
      true,
    );
  }
  // kubectl takes an empty file for an empty configuration.
  if (value === null || value === undefined) return {};
  if (!isFields(value)) throw new KubeError(`${file.name} is no kubeconfig: it is no mapping.`, true);
  return value;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function words(fields: Fields, key: string): string | undefined {
  const value = fields[key];
  return typeof value === 'string' && value !== ''
    ? value
    : typeof value === 'number'
      ? `${value}`
      : undefined;
}

/** `clusters: [{name, cluster: {…}}]` and so on. */
function entries(fields: Fields, list: 'contexts' | 'clusters' | 'users'): {name: string; fields: Fields}[] {
  const all = fields[list];
  if (!Array.isArray(all)) return [];
  return all.filter(isFields).flatMap(one => {
    const name = words(one, 'name');
    const inner = one[list.slice(0, -1)];
    return name === undefined ? [] : [{name, fields: isFields(inner) ? inner : {}}];
  });
}

function material(fields: Fields, key: string, {folder}: ConfigFile): Material | undefined {
  const data = words(fields, `${key}-data`);
  if (data !== undefined) return {data: Buffer.from(data, 'base64')};
  const file = words(fields, key);
  return file === undefined ? undefined : {file: beside(file, folder)};
}

function beside(file: string, folder: string | undefined): string {
  if (folder === undefined)
    throw new KubeError(
      `That kubeconfig names a file of its own machine (${file}), which is not read. Use one with its certificates inside: \`kubectl config view --raw --flatten\`.`,
      true,
    );
  return isAbsolute(file) ? file : join(folder, file);
}

function serverOf(cluster: Fields, name: string, from: string): URL {
  const server = words(cluster, 'server');
  const url = server === undefined ? null : URL.parse(server.includes('://') ? server : `https://${server}`);
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    throw new KubeError(
      `The cluster “${name}” of ${from} has no address of an API server (server: https://HOST:6443).`,
      true,
    );
  return url;
}

function userOf(name: string, fields: Fields, file: ConfigFile): User {
  const tokenFile = words(fields, 'tokenFile');
  const token = words(fields, 'token');
  const [cert, key] = [material(fields, 'client-certificate', file), material(fields, 'client-key', file)];
  const username = words(fields, 'username');
  const exec = isFields(fields['exec']) ? execOf(name, fields['exec'], file) : undefined;
  const known = token ?? oidcToken(name, fields['auth-provider']);
  return {
    name,
    impersonate: impersonation(fields),
    // As client-go: the file goes before the token beside it, which is only its last known content.
    ...(tokenFile
      ? {token: {file: beside(tokenFile, file.folder)}}
      : known
        ? {token: {data: Buffer.from(known)}}
        : {}),
    ...(cert && key ? {cert, key} : {}),
    ...(username ? {basic: {username, password: words(fields, 'password') ?? ''}} : {}),
    ...(exec ? {exec} : {}),
  };
}

/** Only the plugin `oidc` is left in kubectl; the token that it last wrote is used, and never refreshed here. */
function oidcToken(user: string, provider: unknown): string | undefined {
  if (!isFields(provider)) return undefined;
  const config = isFields(provider['config']) ? provider['config'] : {};
  const token = words(provider, 'name') === 'oidc' ? words(config, 'id-token') : undefined;
  if (token !== undefined) return token;
  throw new KubeError(
    `The user “${user}” logs in with the auth-provider “${words(provider, 'name') ?? '?'}”, which kubectl has given up. Use an exec plugin instead.`,
    true,
  );
}

function execOf(user: string, fields: Fields, file: ConfigFile): Exec {
  if (file.folder === undefined)
    throw new KubeError(
      `That kubeconfig's user “${user}” logs in with a program, which is not run for a kubeconfig that was read from a node.`,
      true,
    );
  const command = words(fields, 'command');
  if (command === undefined)
    throw new KubeError(`The exec plugin of the user “${user}” names no command.`, true);
  const [args, env] = [fields['args'], fields['env']];
  const hint = words(fields, 'installHint');
  const mode = words(fields, 'interactiveMode');
  return {
    // As exec_plugin of client-go: a path with a slash is relative to the file, a bare name is looked up.
    command: command.includes('/') ? beside(command, file.folder) : command,
    args: Array.isArray(args) ? args.map(String) : [],
    env: Array.isArray(env)
      ? env.filter(isFields).map(one => ({name: words(one, 'name') ?? '', value: words(one, 'value') ?? ''}))
      : [],
    apiVersion: words(fields, 'apiVersion') ?? 'client.authentication.k8s.io/v1',
    provideClusterInfo: fields['provideClusterInfo'] === true,
    interactive: mode === 'Never' || mode === 'Always' ? mode : 'IfAvailable',
    ...(hint ? {installHint: hint} : {}),
  };
}

function impersonation(fields: Fields): User['impersonate'] {
  const [as, uid, groups, extra] = ['as', 'as-uid', 'as-groups', 'as-user-extra'].map(key => fields[key]);
  return {
    ...(typeof as === 'string' && as !== '' ? {'Impersonate-User': as} : {}),
    ...(typeof uid === 'string' && uid !== '' ? {'Impersonate-Uid': uid} : {}),
    ...(Array.isArray(groups) && groups.length > 0 ? {'Impersonate-Group': groups.map(String)} : {}),
    ...(isFields(extra)
      ? Object.fromEntries(
          Object.entries(extra).map(([key, value]) => [
            `Impersonate-Extra-${encodeURIComponent(key)}`,
            Array.isArray(value) ? value.map(String) : [String(value)],
          ]),
        )
      : {}),
  };
}
