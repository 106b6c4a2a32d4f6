/**
 * Takes secrets out of command lines. When in doubt a value is masked; programs, names of flags, paths, numbers,
 * addresses, container ids and uuids stay, so that a recording can still be read. Works on text of one byte a
 * character (Latin-1) as well as on Unicode.
 */

export const MASK = '***';

/** Names of flags, variables and keys whose value is secret. */
const SECRET_NAME =
  /pass(?!ive|through|-?thru|_?through)|pwd|secret|token|credential|api[-_.]?key|access[-_.]?key|private[-_.]?key|[-_.]key$|^key$|apikey|accountkey|sharedkey|auth(?!or)|bearer|cookie|signature|^sig$|^sas$|jwt|dsn$|conn(ection)?[-_.]?str|webhook[-_.]?url|client[-_.]?key[-_.]?data|^cert[-_.]?data|^pin$|salt|seed[-_.]?phrase|mnemonic|license[-_.]?key|psk/i;

/** What follows is a place, not the secret itself: `--private-key-file=/etc/x.key`. */
const PLACE = /^(\.{0,2}\/|~\/|[A-Za-z]:\\)[^\s:@?=&]*$/;
/** Values that say nothing: switches, modes, and numbers of seconds. */
const PLAIN = /^(true|false|yes|no|on|off|none|null|auto|always|never|\*{3}|\d+(ms|s|m|h|d))$/i;
const MODE_NAME = /(mode|type|enabled?|ttl|timeout|method|policy|expiration|duration|audiences?|issuer)$/i;

/**
 * Programs whose short flags take a password, attached or as the next word; third, what it is when it is none (the
 * port mapping of `docker run -p 8080:80`).
 */
const SHORT: readonly (readonly [RegExp, RegExp, RegExp?])[] = [
  [/^(mysql|mariadb)[\w-]*$/, /^-p$/],
  [/^(mongo\w*|sshpass|oc|az|influx|rabbitmq\w*|cqlsh|7z\w*|rar|unrar)$/, /^-p$/],
  [/^(docker|podman|nerdctl)$/, /^-p$/, /^[\d.:-]*\d(\/(tcp|udp|sctp))?$/],
  [/^(redis|valkey)-(cli|benchmark)$/, /^-a$/],
  [/^(zip|unzip|ipmitool|sqlcmd|bcp|isql)$/, /^-P$/],
  [/^(ldap\w+|ipa)$/, /^-[wW]$/],
  [/^openssl$/, /^-(k|K|pass|passin|passout)$/],
  [/^snmp\w+$/, /^-[cAX]$/],
];
/** Flags whose value is `user:password`: the user stays. */
const USER_PASS: readonly (readonly [RegExp, RegExp])[] = [
  [/^(curl|wget|http|https|xh|ab|influx)$/, /^(-u|-U|-a|-A|--user|--proxy-user|--auth|-P)$/],
  [/^(smbclient|rpcclient|mount\.cifs|net)$/, /^(-U|--user)$/],
  [/^etcdctl$/, /^--user$/],
];

const KNOWN_TOKEN =
  /\b(?:(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12,}|gh[pousr]_\w{10,}|github_pat_\w{10,}|glpat-[\w-]{10,}|xox[a-z]-[\w-]{8,}|sk-[\w-]{12,}|sk_(?:live|test)_\w{8,}|rk_(?:live|test)_\w{8,}|AIza[\w-]{20,}|ya29\.[\w-]+|hv[sbr]\.[\w-]{8,}|s\.[A-Za-z0-9]{24}|npm_\w{20,}|dckr_pat_[\w-]{10,}|pypi-[\w-]{16,}|SG\.[\w-]{10,}\.[\w-]+|K10[0-9a-f]{20,}::\w+:\w+|[a-z0-9]{6}\.[a-z0-9]{16})\b/g;
const JWT = /\beyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*)*/g;
const PEM = /-----BEGIN [^-]*-----[\s\S]*?(?:-----END [^-]*-----|$)/g;
const HEADER =
  /\b((?:proxy-)?authorization|cookie|set-cookie|x-[\w-]*(?:token|key|secret|auth|password|signature)[\w-]*|api-key|private-token)(\s*[:=]\s*)([^\n]*)/gi;
const SCHEME = /\b(bearer|basic|negotiate|digest|apikey|token)(\s+)([^\s"'`,;]{4,})/gi;
const USERINFO = /\b([a-z][a-z0-9+.-]*:\/\/)([^\s/@"'?#]*(?:@[^\s/@"'?#]*)*)@/gi;
const LOOSE_USERINFO = /(^|[\s"'=,])([\w.+-]+):([^\s:@"'/][^\s@"']*)@(?!sha\d)/g;

/** Masks the secrets of one command line, given as its arguments. */
export function maskArguments(args: readonly string[]): string[] {
  const program = baseName(args[0] ?? '');
  return maskWords(args, program, true);
}

/** The same for text that is no command line, e.g. a tool's complaint that quotes one. */
export function maskSentence(text: string): string {
  return maskText(text, new Set());
}

function maskWords(words: readonly string[], first: string, isArgv: boolean): string[] {
  const masked: string[] = [];
  const programs = new Set([first]);
  let expect: 'nothing' | 'secret' | 'user:secret' = 'nothing';
  for (const [index, word] of words.entries()) {
    if (word.trim() === '') {
      masked.push(word);
      continue;
    }
    const name = baseName(unquoted(word));
    if (expect === 'secret' && !/^--[a-z]/i.test(word)) {
      masked.push(isSafeValue(unquoted(word)) ? word : MASK);
      expect = 'nothing';
      continue;
    }
    if (expect === 'user:secret') {
      masked.push(maskAfterUser(word));
      expect = 'nothing';
      continue;
    }
    expect = 'nothing';
    // A program can be started by another one (`timeout 5 mysql …`, `sh -c '…'`), so every word may be one.
    if (/^[\w.-]+$/.test(name) && !word.startsWith('-')) programs.add(name);
    const short = shortFlag(word, words.slice(index + 1).find(later => later.trim() !== '') ?? '', programs);
    if (short) {
      masked.push(short.text);
      expect = short.expect;
      continue;
    }
    if (/^-{1,2}[\w.-]+$/.test(word)) {
      masked.push(word);
      if (isSecretName(word.replace(/^-+/, ''))) expect = 'secret';
      continue;
    }
    masked.push(isArgv && /\s/.test(word) && index > 0 ? maskText(word, programs) : maskWord(word));
  }
  return htpasswd(words, masked, programs);
}

/** An argument with blanks (a script, a header, a connection string): whole-text shapes first, then word by word. */
function maskText(text: string, programs: ReadonlySet<string>): string {
  const shaped = maskShapes(text);
  const words = shaped.match(/\s+|(?:"(?:[^"\\]|\\[\s\S])*"|'[^']*'|\\[\s\S]|[^\s"'\\]|["'\\])+/g) ?? [];
  return maskWords(words, [...programs].at(-1) ?? '', false).join('');
}

/** `htpasswd -b FILE USER PASSWORD`: the only common tool that takes it without a flag. */
function htpasswd(words: readonly string[], masked: string[], programs: ReadonlySet<string>): string[] {
  if (!programs.has('htpasswd') || !words.some(word => /^-\w*b/.test(word))) return masked;
  const last = words.findLastIndex(word => word.trim() !== '');
  if (last > 0) masked[last] = MASK;
  return masked;
}

function shortFlag(
  word: string,
  next: string,
  programs: ReadonlySet<string>,
): {text: string; expect: 'nothing' | 'secret' | 'user:secret'} | undefined {
  if (!word.startsWith('-')) return undefined;
  for (const program of programs) {
    for (const [names, flags] of USER_PASS) {
      if (!names.test(program)) continue;
      if (flags.test(word)) return {text: word, expect: 'user:secret'};
      const attached = /^(-[uU]|--(?:proxy-)?user=)(.+)$/.exec(word);
      if (attached) return {text: attached[1]! + maskAfterUser(attached[2]!), expect: 'nothing'};
    }
    for (const [names, flags, harmless] of SHORT) {
      if (!names.test(program)) continue;
      if (flags.test(word)) {
        return {text: word, expect: harmless?.test(next) ? 'nothing' : 'secret'};
      }
      const attached = /^(-[A-Za-z])([^-].*)$/.exec(word);
      if (attached && flags.test(attached[1]!) && !harmless?.test(attached[2]!)) {
        return {text: attached[1]! + MASK, expect: 'nothing'};
      }
    }
  }
  return undefined;
}

function maskAfterUser(word: string): string {
  const split = /^([^:%]*)([:%])(.*)$/s.exec(word);
  if (!split) return maskWord(word);
  return `${split[1]}${split[2]}${MASK}`;
}

/** One word without blanks: an assignment, a URL, a value. */
function maskWord(word: string): string {
  const shaped = maskShapes(word);
  // Pieces of `a=1,password=x;token=y?sig=z`; a secret's own separators are masked with it, up to the end.
  const pair = /(^|[\s,;&?{(["'|])(-{0,2}[\w.[\]-]*?)(["']?\s*[=:]\s*["']?)([\s\S]*)$/.exec(shaped);
  if (pair) {
    const assigned = assignments(shaped);
    if (assigned !== shaped) return assigned;
  }
  return maskEntropy(shaped);
}

/** Masks from the first secret name's value to the end of the word, or to the next `&` of a query. */
function assignments(word: string): string {
  const names = /([\w.[\]-]+)(\\?["']?\s*(?::=|=>|[=:])\s*\\?["']?)/g;
  for (const match of word.matchAll(names)) {
    const name = match[1]!.replace(/^-+/, '');
    if (!isSecretName(name)) continue;
    const at = match.index + match[0].length;
    const rest = word.slice(at);
    if (rest === '' || rest.startsWith('//')) continue;
    const isQuery = /[?&][^?&]*$/.test(word.slice(0, match.index + 1));
    const end = isQuery ? rest.search(/[&#]/) : -1;
    const value = end < 0 ? rest : rest.slice(0, end);
    if (isSafeValue(unquoted(value)) || MODE_NAME.test(name)) continue;
    const tail = end < 0 ? '' : assignments(rest.slice(end));
    return maskEntropy(word.slice(0, at)) + MASK + tail;
  }
  return word;
}

/** Secrets that are known by their shape, wherever they stand. */
function maskShapes(text: string): string {
  return text
    .replace(PEM, MASK)
    .replace(HEADER, (whole, name: string, sign: string, value: string) =>
      isSafeValue(value) ? whole : `${name}${sign}${MASK}`,
    )
    .replace(SCHEME, (_, scheme: string, gap: string) => `${scheme}${gap}${MASK}`)
    .replace(USERINFO, (_, scheme: string, info: string) => `${scheme}${maskUserinfo(info)}@`)
    .replace(LOOSE_USERINFO, (_, before: string, user: string) => `${before}${user}:${MASK}@`)
    .replace(JWT, MASK)
    .replace(KNOWN_TOKEN, MASK);
}

function maskUserinfo(info: string): string {
  const colon = info.indexOf(':');
  if (colon >= 0) return `${info.slice(0, colon)}:${MASK}`;
  return /^[a-z_][a-z0-9_.-]{0,15}$/.test(info) ? info : MASK;
}

const KEEP = /[0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12}|(?<![0-9A-Za-z])[0-9a-f]{64}(?![0-9A-Za-z])/g;

/** Long words of mixed characters that are no container id, uuid, path or name. */
function maskEntropy(word: string): string {
  let last = 0;
  let result = '';
  for (const match of word.matchAll(KEEP)) {
    result += maskRuns(word.slice(last, match.index)) + match[0];
    last = match.index + match[0].length;
  }
  return result + maskRuns(word.slice(last));
}

function maskRuns(text: string): string {
  return text.replace(/[A-Za-z0-9+/_=-]{20,}/g, run => {
    if (looksRandom(run.replaceAll('/', '')) && !isPathLike(run)) return MASK;
    return run.replace(/[A-Za-z0-9+_=-]{20,}/g, part =>
      looksRandom(part)
        ? MASK
        : part.replace(/[A-Za-z0-9+=]{20,}/g, piece => (looksRandom(piece) ? MASK : piece)),
    );
  });
}

/** An absolute path, or one without capitals: its segments are judged one by one. Base64 has slashes too. */
function isPathLike(run: string): boolean {
  return run.startsWith('/') || (run.includes('/') && !/[A-Z]/.test(run));
}

function hasThree(text: string): boolean {
  return /[a-z]/.test(text) && /[A-Z]/.test(text) && /\d/.test(text);
}

function looksRandom(text: string): boolean {
  const letters = text.replace(/[^A-Za-z0-9]/g, '');
  if (letters.length < 20) return false;
  const digits = letters.replace(/\D/g, '').length;
  if (digits === letters.length) return false;
  if (hasThree(letters) && (digits >= 2 || new Set(letters).size >= 14)) return true;
  return digits >= 4 && letters.length - digits >= 4 && !/[-_]/.test(text);
}

function isSecretName(name: string): boolean {
  return (
    SECRET_NAME.test(name) &&
    !/(file|path|dir|directory|name|url|uri|endpoint|server|plugin|port|header)s?$/i.test(name) &&
    !MODE_NAME.test(name)
  );
}

function isSafeValue(value: string): boolean {
  return value === '' || PLACE.test(value) || PLAIN.test(value);
}

function unquoted(word: string): string {
  return word.replace(/^["']|["']$/g, '');
}

function baseName(word: string): string {
  return word.split(/\s/)[0]!.replace(/:$/, '').split('/').at(-1)!;
}
