/** The keys to log in with: identity files and the agent's, in the order in which they are offered. */
import {readFile} from 'node:fs/promises';
import {DialError} from '../shell.ts';
import type {Hop, IdentityFile} from './config.ts';
import type {AnyAuthMethod, ParsedKey, Ssh2} from './library.ts';

/** One key to offer. */
export type Offer = {
  /** For sentences: a path, or the agent's comment. */
  readonly label: string;
  readonly method: AnyAuthMethod;
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
export async function gatherKeys(hop: Hop, ssh2: Ssh2): Promise<Keys> {
  const notes: string[] = [];
  const agent = await listAgent(hop, ssh2, notes);
  const first: Offer[] = [];
  const last: Offer[] = [];
  const named = new Set<string>();

  for (const file of hop.identities) {
    const found = await readIdentity(file, ssh2);
    if (found === undefined) continue;
    if ('problem' in found) {
      // Anything but "encrypted" would have to be mended first, and the person has just typed this name.
      if (file.from === 'flag') throw new DialError(`${found.problem} Name a private key with -i.`, true);
      notes.push(found.problem);
      continue;
    }
    const {key, publicKey} = found;
    const id = publicKey?.toString('base64');
    if (id !== undefined && named.has(id)) continue;
    if (id !== undefined) named.add(id);
    const held = agent.find(entry => entry.id === id);
    const offer = key
      ? {label: file.path, method: {type: 'publickey' as const, username: hop.user, key}}
      : held && {label: `${file.path} in the agent`, method: held.method};
    if (offer) (file.from === 'default' ? last : first).push(offer);
    else notes.push(found.locked);
  }

  const others = hop.identitiesOnly ? [] : agent.filter(entry => !named.has(entry.id));
  return {offers: [...first, ...others, ...last], notes};
}

type Identity =
  | {readonly key?: ParsedKey; readonly publicKey?: Buffer; readonly locked: string}
  | {readonly problem: string};

/** `undefined`: a default file that does not exist. */
async function readIdentity({path, from}: IdentityFile, ssh2: Ssh2): Promise<Identity | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    const publicKey = await readPublic(`${path}.pub`, ssh2);
    if (publicKey)
      return {publicKey, locked: `The agent does not hold the key of ${path}.pub: run \`ssh-add\`.`};
    if (code === 'ENOENT') return from === 'default' ? undefined : {problem: `There is no key file ${path}.`};
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
      locked: `The key ${path} is encrypted and not in the agent: run \`ssh-add ${path}\`.`,
    };
  }
  return {problem: `${path} is not a private key that hoptop can read (${key.message}).`};
}

async function readPublic(path: string, ssh2: Ssh2): Promise<Buffer | undefined> {
  try {
    const key = parseOne(await readFile(path, 'utf8'), ssh2);
    return key instanceof Error ? undefined : key.getPublicSSH();
  } catch {
    return undefined;
  }
}

function parseOne(text: string, ssh2: Ssh2): ParsedKey | Error {
  const parsed = ssh2.utils.parseKey(text) as ParsedKey | ParsedKey[] | Error;
  return Array.isArray(parsed) ? (parsed[0] ?? new Error('it holds no key')) : parsed;
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

type Held = Offer & {readonly id: string};

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
    held.push({
      id: key.getPublicSSH().toString('base64'),
      label: `agent key ${key.comment || key.type}`,
      method: {type: 'agent', username: hop.user, agent: oneKeyAgent(ssh2, agent, key)},
    });
  }
  return held;
}

type Agent = ReturnType<Ssh2['createAgent']>;

/** The same agent, showing one key only: each key is then one attempt that can be counted and named. */
function oneKeyAgent(ssh2: Ssh2, agent: Agent, key: ParsedKey): Agent {
  class OneKey extends ssh2.BaseAgent {
    override getIdentities(done: Parameters<Agent['getIdentities']>[0]): void {
      done(null, [key]);
    }
    // biome-ignore lint/suspicious/noExplicitAny: the library's overloads, handed on as they come
    override sign(...given: any[]): void {
      (agent.sign as (...all: unknown[]) => void).apply(agent, given);
    }
  }
  return new OneKey() as Agent;
}
