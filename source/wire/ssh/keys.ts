/** The keys to log in with: identity files and the agent's, in the order in which they are offered. */
import {readFile} from 'node:fs/promises';
import {DialError} from '../shell.ts';
import {type Certificate, certified, parseCertificate} from './certificates.ts';
import type {Hop, IdentityFile} from './config.ts';
import {keyType} from './known-hosts.ts';
import type {AnyAuthMethod, ParsedKey, Ssh2} from './library.ts';
import {lockedAgent, parseOne} from './locked.ts';
import type {Ask, Secrets} from './secrets.ts';

/** One key to offer. */
export type Offer = {
  /** For sentences: a path, or the agent's comment. */
  readonly label: string;
  /** Made for one login; `ask` is for the passphrase of a key that is locked, once the server would take it. */
  readonly method: (ask: Ask) => AnyAuthMethod;
  readonly certified?: true;
};

export type Keys = {
  readonly offers: readonly Offer[];
  /** Why a key that was named could not be used, each a sentence. */
  readonly notes: readonly string[];
};

/** How long an agent may take to list its keys. */
const AGENT_MS = 3000;

/**
 * Named files first, then the agent's other keys, then ssh's default files: every key that is refused counts against
 * the server's MaxAuthTries (6 by default), and an agent may hold many. Throws a final `DialError` when a file given
 * with -i cannot be used.
 */
export async function gatherKeys(hop: Hop, ssh2: Ssh2, secrets: Secrets): Promise<Keys> {
  const notes: string[] = [];
  const agent = await listAgent(hop, ssh2, notes);
  const first: Offer[] = [];
  const last: Offer[] = [];
  const named = new Set<string>();
  const mayAsk = secrets.canAsk && hop.prompts > 0;
  const certificates = await readCertificates(hop, notes);
  const publickey = (key: ParsedKey) => () => ({type: 'publickey' as const, username: hop.user, key});

  for (const file of hop.identities) {
    const found = await readIdentity(file, ssh2);
    if (found === undefined) continue;
    if ('problem' in found) {
      // Anything but "encrypted" would have to be mended first, and the person has just typed this name.
      if (file.from === 'flag') throw new DialError(found.problem, true);
      notes.push(found.problem);
      continue;
    }
    const {key, publicKey} = found;
    const id = publicKey?.toString('base64');
    if (id !== undefined && named.has(id)) continue;
    if (id !== undefined) named.add(id);
    const held = agent.find(entry => entry.id === id);
    const list = file.from === 'default' ? last : first;
    // As in ssh, a certificate goes before its key.
    for (const {path, certificate} of certificates) {
      if (id === undefined || certificate.publicKey.toString('base64') !== id) continue;
      const names = certificate.principals.join(', ');
      const label = `certificate ${path}${names === '' ? '' : ` for ${names}`}`;
      if (key) list.push({label, method: publickey(certified(key, certificate)), certified: true});
      else if (held) list.push({label, method: held.withCertificate(certificate), certified: true});
      else if (mayAsk && found.text !== undefined) {
        const locked = {path: file.path, text: found.text, ...(publicKey ? {publicKey} : {}), certificate};
        list.push({label, method: ask => lockedAgent(ssh2, hop, locked, secrets, ask), certified: true});
      }
    }
    const {text} = found;
    if (key) list.push({label: file.path, method: publickey(key)});
    else if (held) list.push({label: `${file.path} in the agent`, method: held.method});
    else if (mayAsk && text !== undefined) {
      const locked = {path: file.path, text, ...(publicKey ? {publicKey} : {})};
      list.push({label: file.path, method: ask => lockedAgent(ssh2, hop, locked, secrets, ask)});
    } else notes.push(found.locked);
  }

  const others = hop.identitiesOnly ? [] : agent.filter(entry => !named.has(entry.id));
  return {offers: [...first, ...others, ...last], notes};
}

type Identity =
  | {
      readonly key?: ParsedKey;
      readonly publicKey?: Buffer;
      /** The encrypted key. */
      readonly text?: string;
      /** Said where the key cannot be used. */
      readonly locked: string;
    }
  | {readonly problem: string};

/** `undefined`: a default file that does not exist. */
async function readIdentity({path, from}: IdentityFile, ssh2: Ssh2): Promise<Identity | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const code = codeOf(error);
    const publicKey = await readPublic(`${path}.pub`, ssh2);
    if (publicKey)
      return {publicKey, locked: `The agent does not hold the key of ${path}.pub: run \`ssh-add\`.`};
    if (code === 'ENOENT')
      return from === 'default' ? undefined : {problem: `There is no key file ${path}: name one with -i.`};
    return {problem: `The key file ${path} cannot be read (${code}).`};
  }
  const key = parseOne(text, ssh2);
  if (!(key instanceof Error)) {
    const publicKey = key.getPublicSSH();
    if (key.isPrivateKey()) return {key, publicKey, locked: ''};
    return {
      publicKey,
      locked: `${path} is a public key that the agent does not hold: run \`ssh-add\` for its private key.`,
    };
  }
  if (/encrypted/i.test(key.message)) {
    const publicKey = publicOfEncrypted(text) ?? (await readPublic(`${path}.pub`, ssh2));
    return {
      ...(publicKey ? {publicKey} : {}),
      text,
      locked: `The key ${path} is encrypted and not in the agent: run \`ssh-add ${path}\`, or open hoptop's UI (--ui), which asks for its passphrase.`,
    };
  }
  const half = publicOfEncrypted(text);
  if (half && keyType(half).startsWith('sk-')) {
    return {
      problem: `The key ${path} lives in a security device (FIDO), which hoptop itself cannot use: use --transport openssh.`,
    };
  }
  return {
    problem: `${path} is not a private key that hoptop can read (${key.message}). Name a private key with -i.`,
  };
}

async function readPublic(path: string, ssh2: Ssh2): Promise<Buffer | undefined> {
  try {
    const key = parseOne(await readFile(path, 'utf8'), ssh2);
    return key instanceof Error ? undefined : key.getPublicSSH();
  } catch {
    return undefined;
  }
}

type Found = {readonly path: string; readonly certificate: Certificate};

/** CertificateFile, and those beside the identity files; an expired one is not offered. */
async function readCertificates(hop: Hop, notes: string[]): Promise<Found[]> {
  const found: Found[] = [];
  const beside = hop.identities.map(({path}) => `${path.replace(/\.pub$/, '')}-cert.pub`);
  for (const path of new Set([...hop.certificates, ...beside])) {
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      if (hop.certificates.includes(path))
        notes.push(`The certificate ${path} cannot be read (${codeOf(error)}).`);
      continue;
    }
    const certificate = parseCertificate(text);
    if (certificate === undefined)
      notes.push(`${path} is no user certificate that hoptop can use; --transport openssh may.`);
    else if (certificate.until * 1000 < Date.now())
      notes.push(
        `The certificate ${path} expired at ${new Date(certificate.until * 1000).toISOString()}: get a new one.`,
      );
    else found.push({path, certificate});
  }
  return found;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}

/**
 * The public half of an encrypted key, which OpenSSH's format keeps in the clear (openssh PROTOCOL.key): a magic,
 * three strings (cipher, kdf, its options), a count, then the public key as a string.
 */
export function publicOfEncrypted(text: string): Buffer | undefined {
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([\s\S]+?)-----END/.exec(text)?.[1];
  if (body === undefined) return undefined;
  const bytes = Buffer.from(body, 'base64');
  const magic = 'openssh-key-v1\0';
  if (bytes.toString('latin1', 0, magic.length) !== magic) return undefined;
  let position = magic.length;
  const next = () => {
    const end = position + 4 + bytes.readUInt32BE(position);
    const value = bytes.subarray(position + 4, end);
    position = end;
    return value;
  };
  try {
    next();
    next();
    next();
    position += 4;
    const key = next();
    return key.length > 0 && position <= bytes.length ? Buffer.from(key) : undefined;
  } catch {
    return undefined;
  }
}

type Held = Offer & {
  readonly id: string;
  /** The same key, shown with its certificate. */
  readonly withCertificate: (certificate: Certificate) => Offer['method'];
};

async function listAgent(hop: Hop, ssh2: Ssh2, notes: string[]): Promise<Held[]> {
  const path = hop.agent;
  if (path === undefined) return [];
  const agent = ssh2.createAgent(path);
  const silent = `The ssh agent at ${path} does not answer: start one, or unset SSH_AUTH_SOCK.`;
  const listed = await new Promise<unknown[] | undefined>(resolve => {
    const timer = setTimeout(resolve, AGENT_MS, undefined);
    agent.getIdentities((error: Error | null | undefined, keys?: unknown[]) => {
      clearTimeout(timer);
      resolve(error ? undefined : (keys ?? []));
    });
  });
  if (listed === undefined) {
    notes.push(silent);
    return [];
  }
  const held: Held[] = [];
  for (const item of listed) {
    const parsed = ssh2.utils.parseKey(item as Buffer) as ParsedKey | ParsedKey[] | Error;
    const key = Array.isArray(parsed) ? parsed[0] : parsed;
    // Certificates and security keys are of types that the library does not know.
    if (key === undefined || key instanceof Error) continue;
    const offered = (shown: ParsedKey, signWith: ParsedKey) => (): AnyAuthMethod => ({
      type: 'agent',
      username: hop.user,
      agent: oneKeyAgent(ssh2, agent, shown, signWith),
    });
    held.push({
      id: key.getPublicSSH().toString('base64'),
      label: `agent key ${key.comment || key.type}`,
      method: offered(key, key),
      withCertificate: certificate => offered(certified(key, certificate), key),
    });
  }
  return held;
}

type Agent = ReturnType<Ssh2['createAgent']>;

/**
 * The same agent, showing one key only: each key is then one attempt that can be counted and named. `signWith` is the
 * key as the agent knows it.
 */
function oneKeyAgent(ssh2: Ssh2, agent: Agent, shown: ParsedKey, signWith: ParsedKey): Agent {
  class OneKey extends ssh2.BaseAgent {
    override getIdentities(done: Parameters<Agent['getIdentities']>[0]): void {
      done(null, [shown]);
    }
    // biome-ignore lint/suspicious/noExplicitAny: the library's overloads, handed on as they come
    override sign(_key: any, data: any, options: any, done?: any): void {
      const given = shown !== signWith && signWith.type === 'ssh-rsa' ? {hash: 'sha512'} : options;
      (agent.sign as (...all: unknown[]) => void).call(agent, signWith, data, given, done);
    }
  }
  return new OneKey() as Agent;
}
