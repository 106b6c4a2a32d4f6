/**
 * From what a person typed to the hops that lead there, through ssh's own configuration (ssh_config(5)). Pure: texts
 * in, hops out.
 */
import {isAbsolute, join} from 'node:path';
import {SSHConfig} from 'ssh-config';
import {DialError} from '../shell.ts';
import {parseJumps, parsePort, parseTarget, type Target} from './target.ts';

/** The flags an ssh user tries, named as hoptop's command line names them. */
export type SshFlags = {
  /** `-i`, may be repeated. */
  readonly identity?: readonly string[];
  /** `-F`; `none` reads no configuration. */
  readonly 'ssh-config'?: string;
  /** `-J`, comma separated; `none` means straight. */
  readonly jump?: string;
  /** `-l` and `-p` count where a target names no user or port itself: several nodes may be named at once. */
  readonly login?: string;
  readonly port?: string;
  /** The only file of host keys to trust and to add to. */
  readonly 'known-hosts'?: string;
};

/** A configuration file's name and text, in the order in which ssh reads them: the first value wins. */
export type ConfigText = {readonly file: string; readonly text: string};

/** Whose machine this is: what `~`, `%u` and the environment mean. */
export type Person = {
  readonly user: string;
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
};

export type IdentityFile = {
  readonly path: string;
  /** A missing file matters where it was asked for, and not where it is only ssh's default. */
  readonly from: 'flag' | 'config' | 'default';
};

/** One SSH connection to make. A node is reached by the last of them, each made through the one before. */
export type Hop = {
  /** As typed: the name the person knows. */
  readonly alias: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly identities: readonly IdentityFile[];
  /** Of the agent's keys use only those of `identities`. */
  readonly identitiesOnly: boolean;
  /** Path of the agent's socket. */
  readonly agent?: string;
  /** Files of host keys; the first is the one to add to. */
  readonly knownHosts: readonly string[];
  /** Name to look the host key up under, instead of host and port. */
  readonly hostKeyAlias?: string;
  readonly hashKnownHosts: boolean;
  /** StrictHostKeyChecking: what to do about an unknown key. `add` is what ssh does for `accept-new` and `no`. */
  readonly unknownKey: 'refuse' | 'ask' | 'add';
  /** Seconds to wait for the connection, and again for its handshake. */
  readonly connectTimeout: number;
};

const DEFAULT_KEYS = ['id_ed25519', 'id_ecdsa', 'id_rsa'];
/** So many jumps are a loop that was not recognised as one. */
const MOST_HOPS = 10;
const CONNECT_TIMEOUT = 10;

/** The hops to `target`, the node itself last. Throws a final `DialError` for what cannot be followed. */
export function resolveTarget(
  target: string | Target,
  flags: SshFlags,
  configs: readonly ConfigText[],
  person: Person,
): readonly Hop[] {
  const parsed = configs.map(parseConfig);
  const typed = typeof target === 'string' ? parseTarget(target) : target;
  const flagged: Target = {
    host: typed.host,
    ...optional('user', typed.user ?? flags.login),
    ...optional('port', typed.port ?? flagPort(flags)),
  };

  const walk = (to: Target, jumpFlag: string | undefined, seen: readonly string[]): Hop[] => {
    const found = lookUp(parsed, to);
    const hop = makeHop(to, found, flags, person);
    const name = nameOf(hop);
    if (seen.includes(name)) {
      throw new DialError(
        `The jump hosts of ${typed.host} lead in a circle through ${to.host}; mend ProxyJump.`,
        true,
      );
    }
    const jumps = withoutSelf(hop, jumpsOf(found, jumpFlag, to), jumpFlag !== undefined);
    if (jumps.length + seen.length >= MOST_HOPS) {
      throw new DialError(
        `${typed.host} is behind more than ${MOST_HOPS} jump hosts; shorten ProxyJump.`,
        true,
      );
    }
    // As in ssh: the first of a list may itself be behind jumps of its own; the next ones follow in the list's order.
    const [first, ...rest] = jumps;
    if (first === undefined) return [hop];
    const before = walk(first, undefined, [...seen, name]);
    return [...before, ...rest.map(jump => makeHop(jump, lookUp(parsed, jump), flags, person)), hop];
  };
  /** One -J serves several nodes, and one of them may be the jump host: it is then reached without itself. */
  const withoutSelf = (hop: Hop, jumps: readonly Target[], flag: boolean): readonly Target[] => {
    if (!flag) return jumps;
    const self = jumps.findIndex(
      jump => nameOf(makeHop(jump, lookUp(parsed, jump), flags, person)) === nameOf(hop),
    );
    return self < 0 ? jumps : jumps.slice(0, self);
  };
  return walk(flagged, flags.jump, []);
}

function nameOf({user, host, port}: Hop): string {
  return `${user}@${host}:${port}`;
}

type Found = ReadonlyMap<string, readonly string[]>;

function makeHop(to: Target, found: Found, flags: SshFlags, person: Person): Hop {
  const one = (key: string) => found.get(key)?.[0];
  const hostname = one('hostname');
  const host = hostname === undefined ? to.host : hostname.replaceAll('%h', to.host).replaceAll('%%', '%');
  const badPort = (what: string) =>
    new DialError(`ssh's configuration for ${to.host} has a wrong Port: ${what}.`, true);
  const configPort = one('port');
  const port = to.port ?? (configPort === undefined ? 22 : parsePort(configPort, badPort));
  const user = to.user ?? one('user') ?? person.user;
  const expand = (path: string) => expandPath(path, {alias: to.host, host, port, user}, person);
  const hostKeyAlias = one('hostkeyalias');
  const agent = agentPath(one('identityagent'), expand, person);
  return {
    alias: to.host,
    host,
    port,
    user,
    identities: identityFiles(found, flags, expand, person),
    identitiesOnly: yes(one('identitiesonly')),
    ...optional('agent', agent),
    knownHosts: knownHostsFiles(found, flags, expand, person),
    ...optional('hostKeyAlias', hostKeyAlias?.toLowerCase()),
    hashKnownHosts: yes(one('hashknownhosts')),
    unknownKey: unknownKey(one('stricthostkeychecking')),
    connectTimeout: seconds(one('connecttimeout')) ?? CONNECT_TIMEOUT,
  };
}

function identityFiles(
  found: Found,
  flags: SshFlags,
  expand: (path: string) => string,
  person: Person,
): IdentityFile[] {
  const files: IdentityFile[] = [];
  const add = (path: string, from: IdentityFile['from']) => {
    if (!files.some(file => file.path === path)) files.push({path, from});
  };
  // ssh gives -i to the last host only. Jump hosts get it here too: it is one more key to try, never a weaker check.
  for (const path of flags.identity ?? []) add(expand(path), 'flag');
  const configured = found.get('identityfile') ?? [];
  for (const path of configured) if (path.toLowerCase() !== 'none') add(expand(path), 'config');
  if (files.length === 0 && configured.length === 0) {
    for (const name of DEFAULT_KEYS) add(join(person.home, '.ssh', name), 'default');
  }
  return files;
}

function knownHostsFiles(
  found: Found,
  flags: SshFlags,
  expand: (path: string) => string,
  person: Person,
): string[] {
  const given = flags['known-hosts'];
  if (given !== undefined) return [expand(given)];
  const user =
    found.get('userknownhostsfile') ?? ['.ssh/known_hosts', '.ssh/known_hosts2'].map(at(person.home));
  const global = found.get('globalknownhostsfile') ?? [
    '/etc/ssh/ssh_known_hosts',
    '/etc/ssh/ssh_known_hosts2',
  ];
  return [...user, ...global].filter(path => path.toLowerCase() !== 'none').map(expand);
}

function jumpsOf(found: Found, flag: string | undefined, to: Target): readonly Target[] {
  if (flag !== undefined) return parseJumps(flag);
  const jump = found.get('proxyjump')?.[0];
  if (jump !== undefined) return parseJumps(jump);
  const command = found.get('proxycommand')?.[0];
  if (command !== undefined && command.toLowerCase() !== 'none') {
    throw new DialError(
      `ssh's configuration reaches ${to.host} by a ProxyCommand, which hoptop does not run; name the jump host with -J.`,
      true,
    );
  }
  return [];
}

function agentPath(
  configured: string | undefined,
  expand: (path: string) => string,
  person: Person,
): string | undefined {
  if (configured === undefined || configured === 'SSH_AUTH_SOCK')
    return person.env['SSH_AUTH_SOCK'] || undefined;
  if (configured.toLowerCase() === 'none') return undefined;
  if (configured.startsWith('$'))
    return person.env[configured.slice(1).replace(/^\{(.*)\}$/, '$1')] || undefined;
  return expand(configured);
}

function parseConfig({file, text}: ConfigText): SSHConfig {
  let config: SSHConfig;
  try {
    config = SSHConfig.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new DialError(
      `${file} cannot be read as ssh's configuration (${why}); mend it, or pass -F none.`,
      true,
    );
  }
  // The library would look canonical names up with nslookup. Nothing but hoptop's own reads is ever started.
  const dropCanonical = (lines: SSHConfig) => {
    for (let index = lines.length - 1; index >= 0; index--) {
      const line = lines[index]!;
      if ('param' in line && /^canonical/i.test(line.param)) lines.splice(index, 1);
      else if ('config' in line) dropCanonical(line.config);
    }
  };
  dropCanonical(config);
  return config;
}

/** Every directive that applies, by its lower-case name; the first file that has one wins, IdentityFile adds up. */
function lookUp(configs: readonly SSHConfig[], to: Target): Found {
  const found = new Map<string, readonly string[]>();
  for (const config of configs) {
    const query = {Host: to.host, ...optional('User', to.user)};
    // `matchExec: false`: a Match exec block counts as not matching, its command is never run.
    const values = config.compute(query, {ignoreCase: true, matchExec: false});
    for (const [key, value] of Object.entries(values)) {
      const list = (Array.isArray(value) ? value : [value]).map(String);
      if (key === 'identityfile') found.set(key, [...(found.get(key) ?? []), ...list]);
      else if (!found.has(key)) found.set(key, list);
    }
  }
  return found;
}

type Tokens = {readonly alias: string; readonly host: string; readonly port: number; readonly user: string};

/** `~` and the tokens of ssh_config(5) that need no command; a relative path stays relative to here, as in ssh. */
function expandPath(path: string, {alias, host, port, user}: Tokens, person: Person): string {
  const tokens: Record<string, string> = {
    '%': '%',
    d: person.home,
    h: host,
    n: alias,
    p: String(port),
    r: user,
    u: person.user,
  };
  const filled = path
    .replace(/%(.)/g, (whole, letter: string) => tokens[letter] ?? whole)
    .replace(/\$\{(\w+)\}/g, (whole, name: string) => person.env[name] ?? whole);
  if (filled === '~') return person.home;
  if (filled.startsWith('~/')) return join(person.home, filled.slice(2));
  return isAbsolute(filled) ? filled : join(process.cwd(), filled);
}

function flagPort(flags: SshFlags): number | undefined {
  if (flags.port === undefined) return undefined;
  return parsePort(flags.port, what => new DialError(`-p takes a port: ${what}.`, true));
}

function unknownKey(value: string | undefined): Hop['unknownKey'] {
  switch (value?.toLowerCase()) {
    case 'yes':
    case 'true':
      return 'refuse';
    case 'accept-new':
    case 'no':
    case 'false':
    case 'off':
      return 'add';
    default:
      return 'ask';
  }
}

/** `90`, `90s`, `2m`: sshd_config(5), TIME FORMATS. */
function seconds(value: string | undefined): number | undefined {
  const match = /^(\d+)([smh]?)$/i.exec(value ?? '');
  if (!match) return undefined;
  const unit = {m: 60, h: 3600}[match[2]!.toLowerCase()] ?? 1;
  return Number(match[1]) * unit || undefined;
}

function yes(value: string | undefined): boolean {
  return value !== undefined && /^(yes|true)$/i.test(value);
}

function at(home: string): (path: string) => string {
  return path => join(home, path);
}

function optional<K extends string, V>(key: K, value: V | undefined): {readonly [k in K]?: V} {
  return value === undefined ? {} : ({[key]: value} as {readonly [k in K]?: V});
}
