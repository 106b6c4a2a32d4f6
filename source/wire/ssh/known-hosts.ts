/**
 * Host keys as OpenSSH keeps them: sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT". Pure: text in, verdict out.
 */
import {createHmac} from 'node:crypto';
import {listMatches} from './patterns.ts';

/** Where an entry stands, for the person who has to mend it. */
export type Place = {readonly file: string; readonly line: number};

export type KnownHost = Place & {
  readonly marker?: 'revoked' | 'cert-authority';
  /** The first field: a comma list of patterns, or one `|1|salt|hash`. */
  readonly hosts: string;
  /** Key type, e.g. `ssh-ed25519`. */
  readonly type: string;
  /** The public key in SSH's wire format. */
  readonly key: Buffer;
};

export type Verdict =
  | {readonly verdict: 'known'; readonly at: Place}
  /** `authority`: a certificate authority is trusted for this host, which says nothing about a plain key. */
  | {readonly verdict: 'unknown'; readonly authority?: Place}
  | {readonly verdict: 'changed'; readonly at: Place; readonly type: string}
  | {readonly verdict: 'revoked'; readonly at: Place};

/** The entries of one file. Lines that OpenSSH would not understand either are left out. */
export function parseKnownHosts(text: string, file: string): KnownHost[] {
  const entries: KnownHost[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    const words = raw.trim().split(/[ \t]+/);
    if (words[0] === '' || words[0]!.startsWith('#')) continue;
    const marker = words[0]!.startsWith('@') ? words.shift()!.slice(1) : undefined;
    if (marker !== undefined && marker !== 'revoked' && marker !== 'cert-authority') continue;
    const [hosts, type, base64] = words;
    if (hosts === undefined || type === undefined || base64 === undefined) continue;
    const key = Buffer.from(base64, 'base64');
    if (keyType(key) !== type) continue;
    entries.push({file, line: index + 1, hosts, type, key, ...(marker === undefined ? {} : {marker})});
  }
  return entries;
}

/** Type name inside a public key in wire format (RFC 4253 section 6.6), or '' when it is none. */
export function keyType(key: Buffer): string {
  if (key.length < 4) return '';
  const length = key.readUInt32BE(0);
  return length > 0 && length <= 64 && 4 + length <= key.length ? key.toString('latin1', 4, 4 + length) : '';
}

/** The name a host goes by in known_hosts: its port is written out unless it is 22. */
export function hostName(host: string, port: number): string {
  const lower = host.toLowerCase();
  return port === 22 ? lower : `[${lower}]:${port}`;
}

/** Whether an entry's first field means `name` (as `hostName` writes it). */
export function matchesHost(hosts: string, name: string): boolean {
  if (hosts.startsWith('|')) {
    const [, magic, salt, hash] = hosts.split('|');
    if (magic !== '1' || !salt || !hash) return false;
    return hashed(name, Buffer.from(salt, 'base64')) === hash;
  }
  return listMatches(hosts.toLowerCase().split(','), name.toLowerCase());
}

/** The first field of a hashed entry for `name`: HMAC-SHA1 of the name under a random 20-byte salt. */
export function hashHost(name: string, salt: Buffer): string {
  return `|1|${salt.toString('base64')}|${hashed(name, salt)}`;
}

/**
 * What the entries say of `key`, offered by `host` at `port`. As in OpenSSH (hostfile.c, sshconnect.c): a revoked key
 * is refused whoever else lists it; one entry that agrees is enough; entries that all disagree mean that the key has
 * changed, even when they are of another type; a host on another port may also be listed without the port, which can
 * only ever agree.
 */
export function judge(entries: readonly KnownHost[], host: string, port: number, key: Buffer): Verdict {
  const named = judgeName(entries, hostName(host, port), key);
  if (named.verdict !== 'unknown' || port === 22) return named;
  const plain = judgeName(entries, hostName(host, 22), key);
  return plain.verdict === 'known' || plain.verdict === 'revoked' ? plain : named;
}

/** Key types known for a host: they are offered first, so that a host's second key does not look like a change. */
export function knownTypes(entries: readonly KnownHost[], host: string, port: number): string[] {
  const types = (name: string) =>
    entries.filter(entry => !entry.marker && matchesHost(entry.hosts, name)).map(entry => entry.type);
  const own = types(hostName(host, port));
  return [...new Set(own.length > 0 ? own : types(hostName(host, 22)))];
}

function judgeName(entries: readonly KnownHost[], name: string, key: Buffer): Verdict {
  const mine = entries.filter(entry => matchesHost(entry.hosts, name));
  const revoked = mine.find(entry => entry.marker === 'revoked' && entry.key.equals(key));
  if (revoked) return {verdict: 'revoked', at: place(revoked)};
  const plain = mine.filter(entry => entry.marker === undefined);
  const same = plain.find(entry => entry.key.equals(key));
  if (same) return {verdict: 'known', at: place(same)};
  const type = keyType(key);
  const other = plain.find(entry => entry.type === type) ?? plain[0];
  if (other) return {verdict: 'changed', at: place(other), type: other.type};
  const authority = mine.find(entry => entry.marker === 'cert-authority');
  return authority ? {verdict: 'unknown', authority: place(authority)} : {verdict: 'unknown'};
}

function place({file, line}: KnownHost): Place {
  return {file, line};
}

function hashed(name: string, salt: Buffer): string {
  return createHmac('sha1', salt).update(name).digest('base64');
}
