/**
 * What ssh's configuration says for one target: ssh_config(5), as OpenSSH 9 evaluates it (readconf.c, ssh.c). The
 * library splits files into lines and values; Include, Host, Match and who wins are worked out here. Pure.
 */
import {isIP} from 'node:net';
import {type Line, SSHConfig} from 'ssh-config';
import {DialError} from '../shell.ts';
import {listMatches} from './patterns.ts';

/** A configuration file's name and text, in the order in which ssh reads them: the first value wins. */
export type ConfigText = {
  readonly file: string;
  readonly text: string;
  /** The files that an Include of this one means, in order; absent, there are none. Throws a final `DialError`. */
  readonly include?: (pattern: string) => readonly ConfigText[];
};

/** For whom the configuration is asked; what was typed comes before anything it says. */
export type Asked = {
  /** As typed. */
  readonly host: string;
  readonly user?: string;
  readonly port?: number;
  /** Whether the way there is given already: what leads there counts no more. */
  readonly jumps: boolean;
  /** Who asks, on this machine. */
  readonly localUser: string;
};

export type Settings = {
  /** The name to connect to: HostName, or the one that was typed; in lower case unless it is an address. */
  readonly host: string;
  /** The values of a keyword, by its lower-case name; undefined where the configuration has none. */
  all(keyword: Keyword): readonly string[] | undefined;
  one(keyword: Keyword): string | undefined;
};

/** The keywords that hoptop follows. Others (forwardings, terminals, multiplexing) mean nothing to it. */
const KEYWORDS = [
  'addressfamily',
  'batchmode',
  'bindaddress',
  'canonicaldomains',
  'canonicalizehostname',
  'canonicalizemaxdots',
  'certificatefile',
  'connecttimeout',
  'globalknownhostsfile',
  'hashknownhosts',
  'hostkeyalgorithms',
  'hostkeyalias',
  'hostname',
  'identitiesonly',
  'identityagent',
  'identityfile',
  'kbdinteractiveauthentication',
  'numberofpasswordprompts',
  'passwordauthentication',
  'port',
  'preferredauthentications',
  'proxycommand',
  'proxyjump',
  'pubkeyauthentication',
  'revokedhostkeys',
  'serveralivecountmax',
  'serveraliveinterval',
  'stricthostkeychecking',
  'user',
  'userknownhostsfile',
] as const;
export type Keyword = (typeof KEYWORDS)[number];

/** Older names of a keyword. */
const SYNONYMS: Readonly<Record<string, Keyword>> = {
  challengeresponseauthentication: 'kbdinteractiveauthentication',
  skeyauthentication: 'kbdinteractiveauthentication',
  tisauthentication: 'kbdinteractiveauthentication',
};

/** Every value counts, not only the first. */
const ADDS_UP: ReadonlySet<Keyword> = new Set(['identityfile', 'certificatefile']);

/** READCONF_MAX_DEPTH. */
const MOST_INCLUDES = 16;

/** Throws a final `DialError` where the files cannot be followed. */
export function settingsFor(configs: readonly ConfigText[], asked: Asked): Settings {
  const first = runThrough(configs, asked, {host: asked.host, final: false, values: new Map()});
  const host = hostName(first.values, asked);
  refuseCanonical(host, first.values, asked);
  const again =
    first.wantsFinal || /^(yes|always)$/i.test(first.values.get('canonicalizehostname')?.[0] ?? '');
  const {values} = again
    ? runThrough(configs, asked, {host, final: true, values: new Map(first.values).set('hostname', [host])})
    : first;
  const all = (keyword: Keyword) => values.get(keyword);
  return {host, all, one: keyword => all(keyword)?.[0]};
}

/**
 * CanonicalizeHostname asks the resolver which of CanonicalDomains a short name is in, and goes on with that name: also
 * its host key is looked up under it. hoptop asks no resolver for its configuration. Throws a final `DialError`.
 */
function refuseCanonical(host: string, values: Values, {host: typed, jumps}: Asked): void {
  const one = (keyword: Keyword) => (values.get(keyword)?.[0] ?? '').toLowerCase();
  const how = one('canonicalizehostname');
  const proxied =
    jumps || ['proxyjump', 'proxycommand'].some(by => !['', 'none'].includes(one(by as Keyword)));
  if (how !== 'always' && (how !== 'yes' || proxied)) return;
  if (['', 'none'].includes(one('canonicaldomains')) || isIP(host)) return;
  if (host.split('.').length - 1 > Number(one('canonicalizemaxdots') || 1)) return;
  throw new DialError(
    `ssh's configuration looks up which of CanonicalDomains ${typed} is in (CanonicalizeHostname), which hoptop does not; write the whole name, or use --transport openssh.`,
    true,
  );
}

type Values = Map<Keyword, readonly string[]>;

/**
 * Whether a line counts. `why`: nobody can tell without what hoptop does not do (run a command), and this sentence's
 * beginning says what that is.
 */
type Active = boolean | {readonly why: string};

type Pass = {
  /** What Host patterns are held against. */
  readonly host: string;
  /** The second reading, that Match final and Match canonical mean. */
  readonly final: boolean;
  readonly values: Values;
};

function runThrough(configs: readonly ConfigText[], asked: Asked, {host, final, values}: Pass) {
  let wantsFinal = false;

  const readFile = (config: ConfigText, outer: Active, depth: number) => {
    for (const line of linesOf(config)) {
      if (!('param' in line)) continue;
      if (!('config' in line)) {
        readLine(line, config, outer, depth);
        continue;
      }
      const own = /^host$/i.test(line.param)
        ? listMatches(wordsOf(line), host)
        : matches(wordsOf(line), config);
      const active = both(outer, own);
      for (const inner of line.config) if ('param' in inner) readLine(inner, config, active, depth);
    }
  };

  const readLine = (line: Directive, config: ConfigText, active: Active, depth: number) => {
    const name = line.param.toLowerCase();
    if (name === 'include') {
      if (depth >= MOST_INCLUDES) {
        throw new DialError(
          `${config.file} is included more than ${MOST_INCLUDES} files deep: mend its Include, or pass -F none.`,
          true,
        );
      }
      for (const pattern of wordsOf(line))
        for (const file of config.include?.(pattern) ?? []) readFile(file, active, depth + 1);
      return;
    }
    const keyword = SYNONYMS[name] ?? KEYWORDS.find(known => known === name);
    if (keyword === undefined || active === false) return;
    const words = wordsOf(line);
    if (words.length === 0 || !news(values, keyword, words)) return;
    if (active !== true) {
      throw new DialError(
        `${active.why}, which decides about ${line.param} for ${asked.host}: write a Host block for it, pass -F with another file, or use --transport openssh.`,
        true,
      );
    }
    values.set(keyword, ADDS_UP.has(keyword) ? [...(values.get(keyword) ?? []), ...words] : words);
  };

  /** Match: all criteria must hold. One that only a command can tell matters only where all others hold. */
  const matches = (words: readonly string[], {file}: ConfigText): Active => {
    const wrong = (what: string) =>
      new DialError(`${file} has a Match that ssh does not understand either (${what}); mend it.`, true);
    const user = asked.user ?? values.get('user')?.[0] ?? asked.localUser;
    let result: Active = true;
    const need = (holds: Active, negated: boolean) => {
      result = both(result, negated && typeof holds === 'boolean' ? !holds : holds);
    };
    if (words.length === 0) throw wrong('it names no criterion');
    for (let at = 0; at < words.length; at++) {
      const negated = words[at]!.startsWith('!');
      const criterion = words[at]!.slice(negated ? 1 : 0).toLowerCase();
      if (criterion === 'all') {
        if (at < words.length - 1) throw wrong('"all" stands with others');
        need(true, negated);
      } else if (criterion === 'final' || criterion === 'canonical') {
        wantsFinal ||= criterion === 'final';
        need(final, negated);
      } else {
        const argument = words[++at];
        if (argument === undefined) throw wrong(`"${criterion}" without a value`);
        const list = argument.split(',');
        if (criterion === 'host')
          need(listMatches(lower(list), hostName(values, asked).toLowerCase()), negated);
        else if (criterion === 'originalhost')
          need(listMatches(lower(list), asked.host.toLowerCase()), negated);
        else if (criterion === 'user') need(listMatches(list, user), negated);
        else if (criterion === 'localuser') need(listMatches(list, asked.localUser), negated);
        else {
          const what =
            criterion === 'exec' ? 'runs a command, which hoptop does not' : 'hoptop cannot evaluate';
          need({why: `${file} has a Match ${criterion} (${argument}) that ${what}`}, negated);
        }
      }
    }
    return result;
  };

  for (const config of configs) readFile(config, true, 0);
  return {values, wantsFinal};

  /** Whether these values would change anything. */
  function news(known: Values, keyword: Keyword, words: readonly string[]): boolean {
    const held = known.get(keyword);
    if (ADDS_UP.has(keyword)) return words.some(word => !held?.includes(word));
    if (asked.jumps && (keyword === 'proxycommand' || keyword === 'proxyjump')) return false;
    // The two exclude each other, whichever comes first; but `ProxyJump none` lets a command pass.
    if (keyword === 'proxycommand' && (known.get('proxyjump')?.[0] ?? 'none').toLowerCase() !== 'none')
      return false;
    if (keyword === 'proxyjump' && known.has('proxycommand')) return false;
    if (keyword === 'user' && asked.user !== undefined) return false;
    if (keyword === 'port' && asked.port !== undefined) return false;
    return held === undefined;
  }
}

type Directive = Extract<Line, {param: string}>;

function linesOf({file, text}: ConfigText): readonly Line[] {
  try {
    return SSHConfig.parse(text);
  } catch (error) {
    const why =
      error instanceof TypeError ? 'a keyword has no value' : error instanceof Error ? error.message : '';
    throw new DialError(
      `${file} cannot be read as ssh's configuration (${why}); mend it, or pass -F none.`,
      true,
    );
  }
}

/** The library splits the values of keywords that take several, and leaves the others whole. */
function wordsOf({value}: Directive): readonly string[] {
  const words = Array.isArray(value) ? value.map(({val}) => val) : [value];
  return words.filter(word => word !== '');
}

/** The hosts that Host lines name whole, in the order of the files, included ones too; patterns are no names. */
export function hostNames(configs: readonly ConfigText[], depth = 0): readonly string[] {
  const names = configs.flatMap(config => {
    const lines = linesOf(config).flatMap(line => ('config' in line ? [line, ...line.config] : [line]));
    return lines.flatMap(line => {
      if (!('param' in line)) return [];
      const name = line.param.toLowerCase();
      if (name === 'include' && depth < MOST_INCLUDES)
        return wordsOf(line).flatMap(pattern => hostNames(config.include?.(pattern) ?? [], depth + 1));
      return name === 'host' ? wordsOf(line).filter(word => !/[*?!]/.test(word)) : [];
    });
  });
  return [...new Set(names)];
}

/** HostName with its two tokens filled in, else the name that was typed. */
function hostName(values: Values, {host}: Asked): string {
  const configured = values.get('hostname')?.[0];
  const name = configured === undefined ? host : configured.replaceAll('%h', host).replaceAll('%%', '%');
  return isIP(name) ? name : name.toLowerCase();
}

function lower(words: readonly string[]): readonly string[] {
  return words.map(word => word.toLowerCase());
}

function both(a: Active, b: Active): Active {
  if (a === false || b === false) return false;
  return a === true ? b : a;
}
