/**
 * From what a person typed to the hops that lead there, through ssh's own configuration (ssh_config(5)). Pure: texts
 * in, hops out.
 */
import {join} from 'node:path';
import {DialError} from '../shell.ts';
import {
  aliveOf,
  CONNECT_TIMEOUT,
  familyOf,
  type HostKeyCheck,
  hostKeyCheckOf,
  type Method,
  methodsOf,
  promptsOf,
  seconds,
  yes,
} from './hop-settings.ts';
import {type ConfigText, type Settings, settingsFor} from './settings.ts';
import {parseJumps, parsePort, parseTarget, type Target} from './target.ts';
import {expandPath, expandTokens, type Named, type Person} from './tokens.ts';

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
  /** Certificates of these keys: CertificateFile, and those beside the identity files. */
  readonly certificates: readonly string[];
  /** Of the agent's keys use only those of `identities`. */
  readonly identitiesOnly: boolean;
  /** Path of the agent's socket. */
  readonly agent?: string;
  /** Ways to prove who one is, in the order in which they are tried. */
  readonly methods: readonly Method[];
  /** How often a person is asked for each secret; 0 asks nothing (BatchMode). */
  readonly prompts: number;
  /** Files of host keys; the first is the one to add to. */
  readonly knownHosts: readonly string[];
  /** A file of host keys that are never to be trusted (RevokedHostKeys). */
  readonly revoked?: string;
  /** Name to look the host key up under, instead of host and port. */
  readonly hostKeyAlias?: string;
  readonly hashKnownHosts: boolean;
  /** HostKeyAlgorithms as it is written there. */
  readonly hostKeyAlgorithms?: string;
  /** StrictHostKeyChecking. */
  readonly hostKeyCheck: HostKeyCheck;
  /** Seconds to wait for the connection, and again for its handshake. */
  readonly connectTimeout: number;
  /** Seconds between signs of life, and how many may stay unanswered; none are sent when `every` is 0. */
  readonly alive: {readonly every: number; readonly most: number};
  /** AddressFamily: 0 takes either. */
  readonly family: 0 | 4 | 6;
  /** Address to connect from. */
  readonly bindAddress?: string;
};

const DEFAULT_KEYS = ['id_ed25519', 'id_ecdsa', 'id_rsa'];
/** So many jumps are a loop that was not recognised as one, e.g. of names that grow by a token. */
const MOST_HOPS = 32;

/** The hops to `target`, the node itself last. Throws a final `DialError` for what cannot be followed. */
export function resolveTarget(
  target: string | Target,
  flags: SshFlags,
  configs: readonly ConfigText[],
  person: Person,
): readonly Hop[] {
  const typed = typeof target === 'string' ? parseTarget(target) : target;
  const flagged: Target = {
    host: typed.host,
    ...optional('user', typed.user ?? flags.login),
    ...optional('port', typed.port ?? flagPort(flags)),
  };

  const look = (to: Target, jumps = false) => {
    const {host, user, port} = to;
    const asked = {host, localUser: person.user, jumps, ...optional('user', user), ...optional('port', port)};
    return settingsFor(configs, asked);
  };
  const walk = (to: Target, jumpFlag: string | undefined, seen: readonly string[]): Hop[] => {
    const found = look(to, jumpFlag !== undefined);
    const hop = makeHop(to, found, flags, person);
    const name = nameOf(hop);
    if (seen.includes(name)) {
      throw new DialError(
        `The jump hosts of ${typed.host} lead in a circle through ${to.host}; mend ProxyJump.`,
        true,
      );
    }
    const jumps = withoutSelf(hop, jumpsOf(found, jumpFlag, hop, person), jumpFlag !== undefined);
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
    return [...before, ...rest.map(jump => makeHop(jump, look(jump, true), flags, person)), hop];
  };
  /** One -J serves several nodes, and one of them may be the jump host: it is then reached without itself. */
  const withoutSelf = (hop: Hop, jumps: readonly Target[], flag: boolean): readonly Target[] => {
    if (!flag) return jumps;
    const self = jumps.findIndex(
      jump => nameOf(makeHop(jump, look(jump, true), flags, person)) === nameOf(hop),
    );
    return self < 0 ? jumps : jumps.slice(0, self);
  };
  return walk(flagged, typed.jump ?? flags.jump, []);
}

function nameOf({user, host, port}: Hop): string {
  return `${user}@${host}:${port}`;
}

function makeHop(to: Target, found: Settings, flags: SshFlags, person: Person): Hop {
  const {host, one} = found;
  const badPort = (what: string) =>
    new DialError(`ssh's configuration for ${to.host} has a wrong Port: ${what}.`, true);
  const configPort = one('port');
  const port = to.port ?? (configPort === undefined ? 22 : parsePort(configPort, badPort));
  const user = to.user ?? one('user') ?? person.user;
  const hostKeyAlias = one('hostkeyalias');
  const jumps = flags.jump !== undefined || isSome(one('proxyjump') ?? 'none');
  const expand = expander({alias: to.host, host, port, user, hostKeyAlias, jumps}, person);
  const agent = agentPath(one('identityagent'), expand, person);
  const revoked = one('revokedhostkeys');
  return {
    alias: to.host,
    host,
    port,
    user,
    identities: identityFiles(found, flags, expand, person),
    certificates: (found.all('certificatefile') ?? []).filter(isSome).map(expand),
    identitiesOnly: yes(one('identitiesonly')),
    ...optional('agent', agent),
    methods: methodsOf(found),
    prompts: promptsOf(found),
    knownHosts: knownHostsFiles(found, flags, expand, person),
    ...optional('revoked', revoked !== undefined && isSome(revoked) ? expand(revoked) : undefined),
    ...optional('hostKeyAlias', hostKeyAlias?.toLowerCase()),
    hashKnownHosts: yes(one('hashknownhosts')),
    ...optional('hostKeyAlgorithms', one('hostkeyalgorithms')),
    hostKeyCheck: hostKeyCheckOf(found),
    connectTimeout: seconds(one('connecttimeout')) || CONNECT_TIMEOUT,
    alive: aliveOf(found),
    family: familyOf(found),
    ...optional('bindAddress', one('bindaddress')),
  };
}

function expander(named: Named, person: Person): (path: string) => string {
  return path => expandPath(path, named, person);
}

/** `none` stands for no file, no command and no jump host. */
function isSome(value: string): boolean {
  return value.toLowerCase() !== 'none';
}

function identityFiles(
  found: Settings,
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
  const configured = found.all('identityfile') ?? [];
  for (const path of configured) if (isSome(path)) add(expand(path), 'config');
  if (files.length === 0 && configured.length === 0) {
    for (const name of DEFAULT_KEYS) add(join(person.home, '.ssh', name), 'default');
  }
  return files;
}

function knownHostsFiles(
  found: Settings,
  flags: SshFlags,
  expand: (path: string) => string,
  person: Person,
): string[] {
  const given = flags['known-hosts'];
  if (given !== undefined) return [expand(given)];
  const user =
    found.all('userknownhostsfile') ?? ['.ssh/known_hosts', '.ssh/known_hosts2'].map(at(person.home));
  const global = found.all('globalknownhostsfile') ?? [
    '/etc/ssh/ssh_known_hosts',
    '/etc/ssh/ssh_known_hosts2',
  ];
  return [...user, ...global].filter(isSome).map(expand);
}

function jumpsOf(found: Settings, flag: string | undefined, to: Hop, person: Person): readonly Target[] {
  if (flag !== undefined) return parseJumps(flag);
  const jump = found.one('proxyjump');
  if (jump !== undefined && isSome(jump)) return parseJumps(expandTokens(jump, to, person, '%hnpr'));
  const command = found.one('proxycommand');
  if (command !== undefined && isSome(command)) {
    throw new DialError(
      `ssh's configuration reaches ${to.alias} by a ProxyCommand, which hoptop does not run itself; use --transport openssh, or name a jump host with -J.`,
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

function flagPort(flags: SshFlags): number | undefined {
  if (flags.port === undefined) return undefined;
  return parsePort(flags.port, what => new DialError(`-p takes a port: ${what}.`, true));
}

function at(home: string): (path: string) => string {
  return path => join(home, path);
}

function optional<K extends string, V>(key: K, value: V | undefined): {readonly [k in K]?: V} {
  return value === undefined ? {} : ({[key]: value} as {readonly [k in K]?: V});
}
