/** Whether a host key may be trusted: reads known_hosts, asks, remembers. */
import {createHash, randomBytes} from 'node:crypto';
import {chmod, mkdir, open, readFile} from 'node:fs/promises';
import {dirname} from 'node:path';
import {CANCEL_ALL, type Prompter, type PromptText} from '../prompter.ts';
import {DialError, type Report} from '../shell.ts';
import type {Hop} from './config.ts';
import {
  hashHost,
  hostName,
  judge,
  type KnownHost,
  keyType,
  knownTypes,
  matchesHost,
  parseKnownHosts,
  type Verdict,
} from './known-hosts.ts';
import {at, sshCommand, type Where} from './sentences.ts';

export type Trust = {
  /** Key types known for this host, to be offered first. Throws a final `DialError` when a file cannot be read. */
  typesFor(where: Where): Promise<readonly string[]>;
  /**
   * Resolves when `key` may be trusted, with a warning where nobody checked it (StrictHostKeyChecking no); otherwise
   * throws a final `DialError` with what to do.
   */
  verify(where: Where, key: Buffer, report: Report, signal: AbortSignal): Promise<string | undefined>;
};

/** Trust shared by all nodes of one run: a key accepted "this once" holds until the program ends. */
export function createTrust(prompter: Prompter): Trust {
  const accepted = new Set<string>();
  let writing: Promise<unknown> = Promise.resolve();

  const remember = (hop: Hop, key: Buffer, entries: readonly KnownHost[]) => {
    const file = hop.knownHosts[0]!;
    const hash =
      hop.hashKnownHosts || entries.some(entry => entry.file === file && entry.hosts.startsWith('|1|'));
    const turn = writing.then(() => append(file, entryLine(hop, key, hash)));
    writing = turn.catch(() => undefined);
    return turn;
  };

  const accept = async (where: Where, key: Buffer, entries: readonly KnownHost[], report: Report) => {
    accepted.add(session(where.hop, key));
    try {
      await remember(where.hop, key, entries);
    } catch (error) {
      // As ssh does: the answer holds for now, and the person is told that it will be asked again.
      report(`the host key could not be written to ${where.hop.knownHosts[0]} (${codeOf(error)})`);
    }
  };

  return {
    async typesFor(where) {
      const {host, port} = lookup(where.hop);
      return knownTypes(await readEntries(where), host, port);
    },

    async verify(where, key, report, signal) {
      const {hop} = where;
      const {host, port} = lookup(hop);
      const entries = await readEntries(where);
      const verdict = judge(entries, host, port, key);
      await refuseRevoked(where, key);
      if (verdict.verdict === 'known') return undefined;
      if (verdict.verdict === 'changed' && hop.hostKeyCheck === 'off') return offWarning(where, key, verdict);
      if (verdict.verdict !== 'unknown') throw new DialError(refusal(where, key, verdict), true);
      if (hop.hostKeyCheck === 'off') {
        await accept(where, key, entries, report);
        return offWarning(where, key, verdict);
      }
      if (accepted.has(session(hop, key))) return undefined;
      if (hop.hostKeyCheck === 'add') {
        await accept(where, key, entries, report);
        return undefined;
      }
      if (hop.hostKeyCheck === 'refuse' || !prompter.canAsk)
        throw new DialError(unknownSentence(where, key, verdict), true);

      report(`waiting for an answer about the host key of ${hop.alias}`, 'person');
      const settled = async () => {
        const now = judge(await readEntries(where), host, port, key).verdict;
        if (now === 'known' || accepted.has(session(hop, key))) return 'settled';
        return now === 'unknown' ? undefined : 'no';
      };
      const answer = await prompter.ask(question(where, key, verdict), signal, settled);
      if (answer === 'settled') return undefined;
      if (answer === 'remember') {
        await accept(where, key, entries, report);
        return undefined;
      }
      if (answer === 'once') {
        accepted.add(session(hop, key));
        return undefined;
      }
      throw new DialError(
        `You did not accept the host key of ${at(where)} (${describeKey(key)}); dial again to be asked again.`,
        true,
      );
    },
  };
}

/** `ED25519 SHA256:…`, as ssh and ssh-keygen show a key. */
export function describeKey(key: Buffer): string {
  return `${typeName(keyType(key))} SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

/** The line that OpenSSH would add for this host. */
export function entryLine(hop: Hop, key: Buffer, hash: boolean): string {
  const {host, port} = lookup(hop);
  const name = hostName(host, port);
  return `${hash ? hashHost(name, randomBytes(20)) : name} ${keyType(key)} ${key.toString('base64')}\n`;
}

async function readEntries({hop}: Where): Promise<KnownHost[]> {
  const entries: KnownHost[] = [];
  for (const file of hop.knownHosts) {
    try {
      entries.push(...parseKnownHosts(await readFile(file, 'utf8'), file));
    } catch (error) {
      if (codeOf(error) === 'ENOENT') continue;
      // Fail closed: a file that cannot be read may hold the entry that would have refused this key.
      throw new DialError(
        `The host keys in ${file} cannot be read (${codeOf(error)}), so ${hop.host} cannot be checked: make the file readable, or name another with --known-hosts.`,
        true,
      );
    }
  }
  const {host, port} = lookup(hop);
  const names = [hostName(host, port), hostName(host, 22)];
  // Only entries of this host, but whether the file hashes is seen from any of them.
  const hashedFile = entries.find(entry => entry.file === hop.knownHosts[0] && entry.hosts.startsWith('|1|'));
  const mine = entries.filter(entry => names.some(name => matchesHost(entry.hosts, name)));
  return hashedFile && !mine.includes(hashedFile) ? [...mine, hashedFile] : mine;
}

/**
 * RevokedHostKeys (ssh_config(5)): a list of public keys. As in ssh, a list that cannot be read refuses every host; so
 * does ssh's binary form of it, which hoptop does not read.
 */
async function refuseRevoked(where: Where, key: Buffer): Promise<void> {
  const file = where.hop.revoked;
  if (file === undefined) return;
  const cannot = (why: string) =>
    new DialError(
      `The revoked host keys in ${file} cannot be read (${why}), so ${where.hop.host} cannot be checked: mend RevokedHostKeys in ssh's configuration, or use --transport openssh.`,
      true,
    );
  const text = await readFile(file, 'latin1').catch((error: unknown) => {
    throw cannot(codeOf(error));
  });
  if (text.startsWith('SSHKRL')) throw cannot('it is a binary list, a KRL');
  for (const [index, line] of text.split('\n').entries()) {
    if (line.split(/\s+/).some(word => word.length > 20 && Buffer.from(word, 'base64').equals(key)))
      throw new DialError(refusal(where, key, {verdict: 'revoked', at: {file, line: index + 1}}), true);
  }
}

async function append(file: string, line: string): Promise<void> {
  const directory = dirname(file);
  // `mkdir` says which directory it made first: only that one is ours to close to others.
  const made = await mkdir(directory, {recursive: true, mode: 0o700});
  if (made !== undefined) await chmod(directory, 0o700);
  const handle = await open(file, 'a+', 0o600);
  try {
    const {size} = await handle.stat();
    let gap = '';
    if (size > 0) {
      const last = Buffer.alloc(1);
      await handle.read(last, 0, 1, size - 1);
      if (last[0] !== 0x0a) gap = '\n';
    }
    await handle.appendFile(gap + line);
  } finally {
    await handle.close();
  }
}

function question(where: Where, key: Buffer, verdict: Verdict): PromptText {
  const file = where.hop.knownHosts[0];
  const kind = typeFile(keyType(key));
  return {
    title: `Is this really ${where.hop.alias}?`,
    about: {kind: 'host key', of: where.node ?? where.hop.alias},
    lines: [
      `The host key of ${at(where)} is not known here yet.`,
      describeKey(key),
      `On that machine, \`ssh-keygen -lf /etc/ssh/ssh_host_${kind}_key.pub\` shows the same line if nobody is in between.`,
      ...(verdict.verdict === 'unknown' && verdict.authority ? [authorityNote(verdict.authority)] : []),
    ],
    choices: [
      ...(file === undefined ? [] : [{key: 'y', label: `yes, remember it in ${file}`, value: 'remember'}]),
      {key: 'o', label: 'yes, this once', value: 'once'},
      {key: 'n', label: 'no', value: 'no'},
      {key: 'x', label: 'no, for all whose key is not known', value: CANCEL_ALL},
    ],
  };
}

function unknownSentence(where: Where, key: Buffer, verdict: Verdict & {verdict: 'unknown'}): string {
  const {hop} = where;
  const scan =
    where.through.length > 0 || hop.knownHosts.length === 0
      ? ''
      : `, or add it with \`ssh-keyscan${hop.port === 22 ? '' : ` -p ${hop.port}`} ${hop.host} >> ${hop.knownHosts[0]}\``;
  const authority = verdict.authority ? ` ${authorityNote(verdict.authority)}` : '';
  return `The host key of ${at(where)} is not known: ${describeKey(key)}. Check that this is its fingerprint; then connect once with \`${sshCommand(where)}\`${scan}, or open hoptop's UI to accept it.${authority}`;
}

function authorityNote({file, line}: {file: string; line: number}): string {
  return `${file}:${line} trusts a certificate authority for it, and hoptop itself checks plain host keys only: use --transport openssh, which checks host certificates.`;
}

function refusal(where: Where, key: Buffer, verdict: Verdict & {verdict: 'changed' | 'revoked'}): string {
  const {host, port} = lookup(where.hop);
  const {file, line} = verdict.at;
  if (verdict.verdict === 'revoked') {
    return `The host key of ${at(where)} (${describeKey(key)}) is revoked in ${file}:${line}: do not connect; give the machine a new host key.`;
  }
  return `The host key of ${at(where)} has changed: it is now ${describeKey(key)}, while ${file}:${line} has another ${typeName(verdict.type)} key. Someone may be in between, or the machine was set up anew. If you know that it was, run \`ssh-keygen -f ${file} -R '${hostName(host, port)}'\` and connect again.`;
}

/** What ssh prints with at signs around it. */
function offWarning(where: Where, key: Buffer, verdict: Verdict & {verdict: 'changed' | 'unknown'}): string {
  const what =
    verdict.verdict === 'changed'
      ? `HAS CHANGED (it is now ${describeKey(key)}, while ${verdict.at.file}:${verdict.at.line} has another)`
      : `was not known and is trusted unchecked from now on (${describeKey(key)})`;
  return `WARNING: the host key of ${at(where)} ${what}, and StrictHostKeyChecking is off in ssh's configuration: someone may be in between and see and alter what is read. No password is sent there.`;
}

/** What to look a host up under: HostKeyAlias stands for host and port together. */
function lookup(hop: Hop): {host: string; port: number} {
  return hop.hostKeyAlias === undefined
    ? {host: hop.host, port: hop.port}
    : {host: hop.hostKeyAlias, port: 22};
}

function session(hop: Hop, key: Buffer): string {
  const {host, port} = lookup(hop);
  return `${hostName(host, port)} ${key.toString('base64')}`;
}

function typeName(type: string): string {
  return typeFile(type).toUpperCase();
}

function typeFile(type: string): string {
  if (type.startsWith('ecdsa-')) return 'ecdsa';
  return type.replace(/^ssh-/, '').replace('dss', 'dsa');
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
