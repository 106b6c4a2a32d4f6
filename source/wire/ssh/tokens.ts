/** `~`, `%` tokens and `${VARIABLES}` in ssh's configuration: ssh_config(5), TOKENS. Pure but for the working directory. */
import {createHash} from 'node:crypto';
import {isAbsolute, join} from 'node:path';
import {DialError} from '../shell.ts';

/** Whose machine this is: what `~`, `%u` and the environment mean. */
export type Person = {
  readonly user: string;
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly uid?: number;
  /** This machine's name. */
  readonly hostname?: string;
};

/** What tokens say about one hop. */
export type Named = {
  readonly alias: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly hostKeyAlias?: string | undefined;
  /** It is behind jump hosts. */
  readonly jumps?: boolean;
};

/** Fills the tokens in. Throws a final `DialError` for one that means nothing here, as ssh refuses it too. */
export function expandTokens(text: string, named: Named, person: Person, only?: string): string {
  const {hostname = ''} = person;
  const whole = [hostname, named.host, named.port, named.user].join('');
  const tokens: Readonly<Record<string, string | undefined>> = {
    '%': '%',
    // Behind jump hosts newer ssh adds them to what it hashes, older ones do not.
    C: named.jumps ? undefined : createHash('sha1').update(whole).digest('hex'),
    d: person.home,
    h: named.host,
    i: String(person.uid ?? ''),
    k: named.hostKeyAlias ?? named.alias,
    L: hostname.split('.')[0] ?? '',
    l: hostname,
    n: named.alias,
    p: String(named.port),
    r: named.user,
    u: person.user,
  };
  return text.replace(/%(.?)/g, (whole, letter: string) => {
    const value = tokens[letter];
    if (value !== undefined && (only === undefined || only.includes(letter))) return value;
    throw new DialError(
      `ssh's configuration for ${named.alias} has "${text}", and hoptop does not know what ${whole} means there; write it out, or use --transport openssh.`,
      true,
    );
  });
}

/** A path with everything filled in; a relative one stays relative to here, as in ssh. */
export function expandPath(path: string, named: Named, person: Person): string {
  // ssh takes ~ first: a user name that comes out of a token is not a home.
  const tilde = path === '~' || path.startsWith('~/') ? join(person.home, path.slice(1)) : path;
  const filled = expandTokens(tilde, named, person).replace(/\$\{(\w+)\}/g, (whole, name: string) => {
    const value = person.env[name];
    if (value !== undefined) return value;
    throw new DialError(
      `ssh's configuration for ${named.alias} has "${path}", and there is no variable ${whole}; set it, or write the path out.`,
      true,
    );
  });
  return isAbsolute(filled) ? filled : join(process.cwd(), filled);
}
