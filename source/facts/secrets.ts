/**
 * Takes secrets out of command lines. When in doubt a value is masked; programs, names of flags, paths, numbers,
 * addresses, container ids and uuids stay, so that a recording can still be read. Works on text of one byte a
 * character (Latin-1) as well as on Unicode.
 */

export const MASK = '***';

/** What follows so many characters of one argument is masked unseen, so that no argument can hold up the search. */
const MOST = 4096;

/** Names of flags, variables and keys whose value is secret. */
const SECRET_NAME =
  /pass(?!ive|through|-?thru|_?through)|pwd|secret|token|credential|api[-_.]?key|access[-_.]?key|private[-_.]?key|[-_.]key$|^key$|apikey|accountkey|sharedkey|auth(?!or)|bearer|cookie|signature|^sig$|^sas$|jwt|dsn$|conn(ection)?[-_.]?str|webhook[-_.]?url|client[-_.]?key[-_.]?data|^cert[-_.]?data|^pin$|salt|seed[-_.]?phrase|mnemonic|license[-_.]?key|psk|(^D?|[-_.])pw$|otp$|encrypt$|from[-_.]literal/i;

/** Bare words after which the next one is the secret: `aws configure set aws_secret_access_key …`, `AUTH …`. */
const SECRET_WORD =
  /^(AUTH|PASS(WORD)?|[\w.-]*((secret|access|private|api)[-_.]?(access[-_.]?)?key|passwd|password|_token))$/;

/** Tools that take a password as their last word. */
const LAST_WORD: readonly (readonly [RegExp, RegExp])[] = [
  [/^htpasswd$/, /^-\w*b/],
  [/^rabbitmqctl$/, /^(add_user|change_password|authenticate_user)$/],
  [/^(wpa_passphrase|chpasswd)$/, /^/],
];

/**
 * Commands whose operands are secret: the program, the word they follow, how many of them come before the secret, and
 * flags whose next word is no operand.
 */
const OPERANDS: readonly (readonly [RegExp, RegExp, number, RegExp?])[] = [
  [/^vault$/, /^login$/, 0],
  [/^(mc|mcli)$/, /^(set|add)$/, 2],
  [/^smbclient$/, /^["']?(\/\/|\\\\)/, 0, /^-[AUWcpIDTtmbnOslRMd]$/],
];

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
  [/^rdesktop$/, /^-p$/],
  [/^(docker|podman|nerdctl)$/, /^-p$/, /^[\d.:-]*\d(\/(tcp|udp|sctp))?$/],
  [/^(redis|valkey)-(cli|benchmark)$/, /^-a$/],
  [/^(zip|unzip|ipmitool|sqlcmd|bcp|isql)$/, /^-P$/],
  [/^(ldap\w+|ipa)$/, /^-[wW]$/],
  [/^openssl$/, /^-(k|K|pass|passin|passout)$/],
  [/^snmp\w+$/, /^-[cAX]$/],
  [/^mosquitto_(pub|sub|rr)$/, /^-P$/],
  [/^ssh-keygen$/, /^-[NP]$/],
];
/** Short flags without a value, which may stand before one with a value in the same word: `curl -su me:secret`. */
const SWITCHES: readonly (readonly [RegExp, RegExp])[] = [
  [/^curl$/, /^-[sSkLfviIgGjlnNpqRaBJOZ#012346]+(?=[uU])/],
  [/^(mysql|mariadb)[\w-]*$/, /^-[vBsnNCftErHXAbq]+(?=p)/],
  [/^ldap\w+$/, /^-[xLZMnvcCAtr]+(?=w)/],
  [/^(zip|unzip)$/, /^-[rjqoaeldmTvuyDXnC0-9]+(?=P)/],
  [/^(docker|podman|nerdctl)$/, /^-[ditP]+(?=p)/],
  [/^sshpass$/, /^-[ve]+(?=p)/],
];
/** Flags whose value is `user:password`: the user stays. */
const USER_PASS: readonly (readonly [RegExp, RegExp])[] = [
  [/^(curl|wget|http|https|xh|ab|influx)$/, /^(-u|-U|-a|-A|--user|--proxy-user|--auth|-P)$/],
  [/^(smbclient|rpcclient|mount\.cifs|net)$/, /^(-U|--user)$/],
  [/^etcdctl$/, /^--user$/],
  [/^lftp$/, /^-u$/],
];

const KNOWN_TOKEN =
  /\b(?:(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12,}|gh[pousr]_\w{10,}|github_pat_\w{10,}|glpat-[\w-]{10,}|xox[a-z]-[\w-]{8,}|sk-[\w-]{12,}|sk_(?:live|test)_\w{8,}|rk_(?:live|test)_\w{8,}|AIza[\w-]{20,}|ya29\.[\w-]+|hv[sbr]\.[\w-]{8,}|s\.[A-Za-z0-9]{24}|npm_\w{20,}|dckr_pat_[\w-]{10,}|pypi-[\w-]{16,}|SG\.[\w-]{10,}\.[\w-]+|K10[0-9a-f]{20,}::\w+:\w+|[a-z0-9]{6}\.[a-z0-9]{16})\b/g;
const JWT = /\beyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*)*/g;
const PEM = /-----BEGIN [^-]*-----[\s\S]*?(?:-----END [^-]*-----|$)/g;
const HEADER =
  /\b((?:proxy-)?authorization|cookie|set-cookie|x-[\w-]{1,60}|api-key|private-token)(\s{0,9}[:=]\s{0,9})([^\n]*)/gi;
const SCHEME = /\b(bearer|basic|negotiate|digest|apikey|token)(\s+)([^\s"'`,;]{4,})/gi;
const USERINFO = /\b([a-z][a-z0-9+.-]*:\/\/)([^\s/@"'?#]*(?:@[^\s/@"'?#]*)*)@/gi;
/** `echo SECRET | docker login --password-stdin` */
const PIPED = /\b(echo|printf)\s[^|]*(?=\|[^|]*(?:-stdin|chpasswd|sudo\s+-S))/g;
/** `sqlplus USER/PASSWORD@DB` */
const ORACLE = /(\b(?:sqlplus|rman|expdp|impdp)\s[^\s/]*\/)[^\s@]+/g;
const LOOSE_USERINFO = /(^|[\s"'=,])([\w.+-]+):([^\s:@"'/][^\s@"']*)@(?!sha\d)/g;

/** Masks the secrets of one command line, given as its arguments. */
export function maskArguments(args: readonly string[]): string[] {
  const program = baseName((args[0] ?? '').slice(0, MOST));
  const connect = /^(sqlplus|rman|expdp|impdp)$/.test(program);
  const bounded = args.map(arg => (arg.length > MOST ? `${arg.slice(0, MOST)} ${MASK}` : arg));
  return maskWords(bounded, program, true).map((word, index) =>
    connect && index > 0 ? word.replace(/^([^\s/-][^\s/]*\/)[^\s@]+/, `$1${MASK}`) : word,
  );
}

/** The same for text that is no command line, e.g. a tool's complaint that quotes one. */
export function maskSentence(text: string): string {
  return maskText(text.length > MOST ? `${text.slice(0, MOST)} ${MASK}` : text, new Set());
}

function maskWords(words: readonly string[], first: string, isArgv: boolean): string[] {
  const masked: string[] = [];
  const programs = new Set(first === '' ? [] : [first]);
  let expect: 'nothing' | 'secret' | 'user:secret' = 'nothing';
  for (const [index, word] of words.entries()) {
    if (word.trim() === '') {
      masked.push(word);
      // Between the words of a text it is a gap; as an argument it is the value: `ssh-keygen -N '' -f …`.
      if (word === '') expect = 'nothing';
      continue;
    }
    const name = baseName(unquoted(word));
    if (expect === 'secret' && (SIGN.test(word) || word === '--')) {
      masked.push(word);
      continue;
    }
    if (expect === 'secret' && !/^--[a-z][a-z-]*(=|$)/.test(word)) {
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
    if (!word.startsWith('-') && isKnownTool(name)) programs.add(name);
    if (begins(word, wordAfter(words, index))) {
      masked.push(word);
      expect = 'secret';
      continue;
    }
    const short = shortFlag(word, wordAfter(words, index), programs);
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
    if (!isArgv || index === 0 || !/\s/.test(word)) masked.push(maskWord(word));
    else masked.push(maskWhole(word, words[index - 1]!) ?? maskText(word, programs));
  }
  return maskOperands(words, maskLast(words, masked, programs));
}

/** `--password=two words` as one argument is secret to its end; a script (`sh -c 'TOKEN=x run'`) is not. */
function maskWhole(word: string, before: string): string | undefined {
  if (!word.startsWith('-') && /^-\w*c$/.test(before)) return undefined;
  const names = /^-{0,2}(?:[\w.[\]-]+=)+/.exec(word)?.[0] ?? '';
  let end = 0;
  for (const name of names.split('=').slice(0, -1)) {
    end += name.length + 1;
    if (isSecretName(name.replace(/^-+/, '')) && !isSafeValue(word.slice(end)))
      return word.slice(0, end) + MASK;
  }
  return undefined;
}

function maskOperands(words: readonly string[], masked: string[]): string[] {
  for (const [names, marks, open, takes] of OPERANDS) {
    const program = words.findIndex(word => names.test(baseName(unquoted(word))));
    const mark = program < 0 ? -1 : words.findIndex((word, index) => index > program && marks.test(word));
    if (mark < 0) continue;
    let before = '';
    let count = 0;
    for (let index = mark + 1; index < words.length; index += 1) {
      const word = words[index]!;
      if (word.trim() === '') continue;
      if (/^[;&|]/.test(word)) break;
      const isOperand = !word.startsWith('-') && !takes?.test(before);
      if (isOperand && count >= open && !/^\w+=./.test(word)) masked[index] = MASK;
      if (isOperand) count += 1;
      before = word;
    }
  }
  return masked;
}

/** An argument with blanks (a script, a header, a connection string): whole-text shapes first, then word by word. */
function maskText(text: string, programs: ReadonlySet<string>): string {
  const shaped = maskShapes(text)
    .replace(PIPED, (_, command: string) => `${command} ${MASK} `)
    .replace(ORACLE, (_, before: string) => `${before}${MASK}`);
  const words = shaped.match(/\s+|(?:"(?:[^"\\]|\\[\s\S])*"|'[^']*'|\\[\s\S]|[^\s"'\\]|["'\\])+/g) ?? [];
  return maskWords(words, [...programs].at(-1) ?? '', false).join('');
}

/** The next word that is not blank; empty at the end. */
function wordAfter(words: readonly string[], index: number): string {
  for (let i = index + 1; i < words.length; i += 1) if (words[i]!.trim() !== '') return words[i]!;
  return '';
}

const SIGN = /^(=|:|:=|=>|==)$/;

/** Whether the next word is a secret because of this one: `password = x`, `"password": "x"`, `AUTH x`. */
function begins(word: string, next: string): boolean {
  if (next === '') return false;
  if (SECRET_WORD.test(word)) return true;
  const named = /^[{[("',\\]*-{0,2}([\w.-]+?)\\?["']?(=|:|:=|=>)?$/.exec(word);
  if (!named || !isSecretName(named[1]!)) return false;
  return named[2] !== undefined || SIGN.test(next);
}

function maskLast(words: readonly string[], masked: string[], programs: ReadonlySet<string>): string[] {
  const last = words.findLastIndex(word => word.trim() !== '');
  for (const [names, marks] of LAST_WORD) {
    const asked =
      [...programs].some(program => names.test(program)) && words.slice(1).some(word => marks.test(word));
    if (asked && last > 0) masked[last] = MASK;
  }
  return masked;
}

function isKnownTool(name: string): boolean {
  return [...SHORT, ...USER_PASS, ...LAST_WORD].some(([names]) => names.test(name));
}

function shortFlag(
  word: string,
  next: string,
  programs: ReadonlySet<string>,
): {text: string; expect: 'nothing' | 'secret' | 'user:secret'} | undefined {
  if (!word.startsWith('-')) return undefined;
  for (const program of programs) {
    const switches = SWITCHES.find(([names]) => names.test(program))?.[1].exec(word)?.[0];
    if (switches !== undefined) {
      const rest = shortFlag(`-${word.slice(switches.length)}`, next, new Set([program]));
      if (rest) return {text: switches + rest.text.slice(1), expect: rest.expect};
    }
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
  const split = /^([^:%,]*)([:%,])(.*)$/s.exec(word);
  if (!split) return maskWord(word);
  return `${split[1]}${split[2]}${MASK}`;
}

/** One word without blanks: an assignment, a URL, a value. */
function maskWord(word: string): string {
  const shaped = maskShapes(word);
  const assigned = assignments(shaped);
  return assigned === shaped ? maskEntropy(shaped) : assigned;
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
    // A host is no name of a secret: `http://auth:8080/`.
    if (/\/\/$/.test(word.slice(0, match.index)) && /^\d{1,5}(\/|$)/.test(rest)) continue;
    const quote = /["']$/.exec(match[2]!)?.[0];
    const closing = quote === undefined ? -1 : rest.indexOf(quote);
    if (closing >= 0 && rest[closing - 1] !== '\\') {
      if (isSafeValue(rest.slice(0, closing)) || MODE_NAME.test(name)) continue;
      return maskEntropy(word.slice(0, at)) + MASK + assignments(rest.slice(closing));
    }
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
  return maskHeaders(text.replace(PEM, MASK))
    .replace(SCHEME, (_, scheme: string, gap: string) => `${scheme}${gap}${MASK}`)
    .replace(USERINFO, (_, scheme: string, info: string) => `${scheme}${maskUserinfo(info)}@`)
    .replace(LOOSE_USERINFO, (_, before: string, user: string) => `${before}${user}:${MASK}@`)
    .replace(JWT, MASK)
    .replace(KNOWN_TOKEN, MASK);
}

/** A header's value goes to the end of its line. */
function maskHeaders(text: string): string {
  return text.replace(HEADER, (whole, name: string, sign: string, value: string) => {
    if (isSafeValue(value)) return whole;
    if (/^x-/i.test(name) && !isSecretName(name)) return `${name}${sign}${maskHeaders(value)}`;
    return `${name}${sign}${MASK}`;
  });
}

function maskUserinfo(info: string): string {
  const colon = info.indexOf(':');
  if (colon >= 0) return `${info.slice(0, colon)}:${MASK}`;
  return /^[a-z_][a-z0-9_.-]{0,15}$/.test(info) ? info : MASK;
}

/** Ids of pods and containers, and fingerprints of keys, which are there to be read aloud (ssh-keygen(1), `-l`). */
const KEEP =
  /[0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12}|(?<![0-9A-Za-z])[0-9a-f]{64}(?![0-9A-Za-z])|\bSHA256:[A-Za-z0-9+/]{43}(?![A-Za-z0-9+/=])/g;

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

/** Does a flag, variable or key of that name have a secret for its value? */
export function isSecretName(name: string): boolean {
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
