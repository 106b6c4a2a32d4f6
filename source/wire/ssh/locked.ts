/** Encrypted private keys: the server is asked first whether it would take the key, the person only then. */
import {type Certificate, certified} from './certificates.ts';
import type {Hop} from './config.ts';
import type {AnyAuthMethod, ParsedKey, Ssh2} from './library.ts';
import type {Ask, Secrets} from './secrets.ts';

export type LockedKey = {
  readonly path: string;
  readonly text: string;
  /** Its public half, where it can be known without the passphrase. */
  readonly publicKey?: Buffer;
  readonly certificate?: Certificate;
};

/** What an attempt fails with that the person left: a sentence for the notes. */
export const NOT_GIVEN = 'The passphrase was not given for ';

/** The key as an agent of one key, which the library asks for a signature once the server has said yes. */
export function lockedAgent(
  ssh2: Ssh2,
  hop: Hop,
  locked: LockedKey,
  secrets: Secrets,
  ask: Ask,
): AnyAuthMethod {
  const {path, publicKey, certificate} = locked;
  const shownAs = (key: ParsedKey) => (certificate ? certified(key, certificate) : key);
  const open = () => unlock(ssh2, hop, locked, secrets, ask);
  const refused = () => new Error(`${NOT_GIVEN}${path}`);
  let opened: ParsedKey | undefined;
  class Locked extends ssh2.BaseAgent {
    // biome-ignore lint/suspicious/noExplicitAny: the library's callbacks
    override getIdentities(done: any): void {
      const half = publicKey && parseOne(publicKey, ssh2);
      if (half && !(half instanceof Error)) done(null, [shownAs(half)]);
      else
        open().then(key => {
          opened = key;
          if (key) done(null, [shownAs(key)]);
          else done(refused());
        }, done);
    }
    // biome-ignore lint/suspicious/noExplicitAny: the library's overloads
    override sign(_key: any, data: Buffer, options: any, done?: any): void {
      const given = typeof options === 'function' ? options : done;
      const hash = typeof options === 'function' ? undefined : options?.hash;
      const sign = (key: ParsedKey | undefined) => {
        const signature = key && (shownAs(key).sign(data, hash) as Buffer | Error);
        if (signature === undefined) given(refused());
        else if (signature instanceof Error) given(signature);
        else given(null, signature);
      };
      if (opened) sign(opened);
      else open().then(sign, given);
    }
  }
  return {type: 'agent', username: hop.user, agent: new Locked() as never};
}

async function unlock(
  ssh2: Ssh2,
  hop: Hop,
  {path, text}: LockedKey,
  secrets: Secrets,
  ask: Ask,
): Promise<ParsedKey | undefined> {
  const covers = `passphrase of ${path}`;
  const failed: (readonly string[])[] = [];
  while (failed.length < hop.prompts) {
    const known = secrets.keys.get(path);
    if (known) return known;
    const request = {
      title: `Passphrase of the key ${path}?`,
      lines: [`${hop.alias} takes this key for ${hop.user}. What you type stays on this machine.`],
      inputs: [{label: 'Passphrase:', masked: true}],
      covers,
      all: 'use it for every node, until hoptop ends',
    };
    const given = await ask(request, failed);
    if (given === undefined) return undefined;
    // Another node may have unlocked it meanwhile: deriving the key takes a good part of a second.
    const meanwhile = secrets.keys.get(path);
    if (meanwhile) return meanwhile;
    const key = parseOne(text, ssh2, given[0]);
    if (!(key instanceof Error)) {
      if (secrets.holds(covers)) secrets.keys.set(path, key);
      return key;
    }
    failed.push(given);
    secrets.forget(covers, given);
  }
  return undefined;
}

export function parseOne(text: string | Buffer, ssh2: Ssh2, passphrase?: string): ParsedKey | Error {
  const parsed = ssh2.utils.parseKey(text, passphrase) as ParsedKey | ParsedKey[] | Error;
  return Array.isArray(parsed) ? (parsed[0] ?? new Error('it holds no key')) : parsed;
}
