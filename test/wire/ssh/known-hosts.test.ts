import {spawnSync} from 'node:child_process';
import {rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {
  hashHost,
  hostName,
  judge,
  knownTypes,
  matchesHost,
  parseKnownHosts,
} from '../../../source/wire/ssh/known-hosts.ts';
import {temporary} from './sshd.ts';

/** A key as it stands on the wire: its type as a string, then the rest (here not a real point). */
function fakeKey(type: string, seed: string): Buffer {
  const field = (bytes: Buffer) => Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes]);
  return Buffer.concat([field(Buffer.from(type)), field(Buffer.from(seed.padEnd(32, '.')))]);
}
const base = (key: Buffer) => key.toString('base64');
const one = fakeKey('ssh-ed25519', 'one');
const two = fakeKey('ssh-ed25519', 'two');
const ecdsa = fakeKey('ecdsa-sha2-nistp256', 'three');
const line = (hosts: string, key: Buffer) =>
  `${hosts} ${key.toString('latin1', 4, 4 + key[3]!)} ${base(key)}`;
const salt = Buffer.alloc(20, 7);

function verdict(text: string, host: string, port = 22, key = one) {
  return judge(parseKnownHosts(text, 'kh'), host, port, key);
}

test.each([
  ['plain', line('a', one), 'a', 22, 'known'],
  ['any case', line('Node-A', one), 'nOde-a', 22, 'known'],
  ['a comma list', line('b,a', one), 'a', 22, 'known'],
  ['a port', line('[a]:2222', one), 'a', 2222, 'known'],
  ['another port', line('[a]:2222', one), 'a', 2223, 'unknown'],
  ['a port needs its entry on 22 too', line('[a]:2222', one), 'a', 22, 'unknown'],
  ['the plain name agrees for another port', line('a', one), 'a', 2222, 'known'],
  ['the plain name cannot contradict for another port', line('a', two), 'a', 2222, 'unknown'],
  ['a glob', line('10.0.0.*', one), '10.0.0.7', 22, 'known'],
  ['a glob with a port', line('[10.0.?.*]:2222', one), '10.0.3.7', 2222, 'known'],
  ['? is one character', line('a?', one), 'a', 22, 'unknown'],
  ['negation', line('*.net,!bad.net', one), 'bad.net', 22, 'unknown'],
  ['negation of others', line('*.net,!bad.net', one), 'good.net', 22, 'known'],
  ['hashed', line(hashHost('a', salt), one), 'a', 22, 'known'],
  ['hashed with a port', line(hashHost('[a]:2222', salt), one), 'a', 2222, 'known'],
  ['hashed, another host', line(hashHost('b', salt), one), 'a', 22, 'unknown'],
  ['an unknown hash', `|2|${base(salt)}|x ssh-ed25519 ${base(one)}`, 'a', 22, 'unknown'],
  ['IPv6', line('2001:db8::1', one), '2001:db8::1', 22, 'known'],
  ['IPv6 with a port', line('[2001:db8::1]:2222', one), '2001:db8::1', 2222, 'known'],
  ['another key', line('a', two), 'a', 22, 'changed'],
  ['a key of another type only', line('a', ecdsa), 'a', 22, 'changed'],
  ['several keys, one agrees', `${line('a', two)}\n${line('a', ecdsa)}\n${line('a', one)}`, 'a', 22, 'known'],
  ['revoked', `@revoked ${line('*', one)}\n${line('a', one)}`, 'a', 22, 'revoked'],
  ['revoked for others', `@revoked ${line('b', one)}\n${line('a', one)}`, 'a', 22, 'known'],
  ['another key revoked', `@revoked ${line('a', two)}\n${line('a', one)}`, 'a', 22, 'known'],
  ['a certificate authority', `@cert-authority ${line('a', one)}`, 'a', 22, 'unknown'],
  ['an unknown marker', `@trusted ${line('a', one)}`, 'a', 22, 'unknown'],
  ['a comment', `# ${line('a', one)}`, 'a', 22, 'unknown'],
  [
    'indented, with tabs and a comment',
    ` \t${line('a', one).replaceAll(' ', '\t')} \t me@here`,
    'a',
    22,
    'known',
  ],
  ['CRLF', `${line('b', two)}\r\n${line('a', one)}\r\n`, 'a', 22, 'known'],
  ['a type that is not the key’s', `a ssh-rsa ${base(one)}`, 'a', 22, 'unknown'],
  ['a line cut short', 'a ssh-ed25519', 'a', 22, 'unknown'],
  ['an empty file', '', 'a', 22, 'unknown'],
])('%s', (_name, text, host, port, expected) => {
  expect(verdict(text, host, port).verdict).toBe(expected);
});

test('a change names the entry, of the same type if there is one', () => {
  expect(verdict(`# mine\n${line('a', ecdsa)}\n${line('a', two)}`, 'a')).toEqual({
    verdict: 'changed',
    at: {file: 'kh', line: 3},
    type: 'ssh-ed25519',
  });
});

test('a certificate authority is told', () => {
  expect(verdict(`@cert-authority ${line('*.net', two)}`, 'a.net')).toEqual({
    verdict: 'unknown',
    authority: {file: 'kh', line: 1},
  });
});

test('known types, for the port or else for the plain name', () => {
  const entries = parseKnownHosts(
    [line('a', ecdsa), line('a', one), line('[a]:2222', one), `@revoked ${line('a', two)}`].join('\n'),
    'kh',
  );
  expect(knownTypes(entries, 'a', 22)).toEqual(['ecdsa-sha2-nistp256', 'ssh-ed25519']);
  expect(knownTypes(entries, 'a', 2222)).toEqual(['ssh-ed25519']);
  expect(knownTypes(entries, 'a', 2223)).toEqual(['ecdsa-sha2-nistp256', 'ssh-ed25519']);
  expect(knownTypes(entries, 'b', 22)).toEqual([]);
});

test('any text is read without an exception, and trusts nobody', () => {
  fc.assert(
    fc.property(fc.string({unit: 'binary', maxLength: 300}), fc.string(), (text, host) => {
      expect(judge(parseKnownHosts(text, 'kh'), host, 22, one).verdict).toBe('unknown');
    }),
    {numRuns: 300},
  );
});

test('long globs end', () => {
  expect(matchesHost(`${'*a'.repeat(50)}b`, 'a'.repeat(200))).toBe(false);
});

// OpenSSH's own lookup over the same file and names.
const keygen = spawnSync('ssh-keygen', ['-F', 'a', '-f', '/dev/null']).error === undefined;
describe.skipIf(!keygen)('as ssh-keygen -F says', () => {
  const keys = ['first', 'second', 'third', 'fourth', 'fifth', 'sixth', 'seventh', 'eighth'];
  const text = [
    '# hosts',
    line('node-a', fakeKey('ssh-ed25519', keys[0]!)),
    line('[node-a]:2222', fakeKey('ssh-ed25519', keys[1]!)),
    line('node-*,!node-x', fakeKey('ssh-ed25519', keys[2]!)),
    line('10.0.0.?,[10.0.0.?]:2200', fakeKey('ssh-ed25519', keys[3]!)),
    line(hashHost('node-h', salt), fakeKey('ssh-ed25519', keys[4]!)),
    line(hashHost('[node-h]:2222', salt), fakeKey('ssh-ed25519', keys[5]!)),
    `@revoked ${line('*', fakeKey('ssh-ed25519', keys[6]!))}`,
    `@cert-authority ${line('*.example.net', fakeKey('ssh-ed25519', keys[7]!))}`,
    line('2001:db8::1', fakeKey('ssh-ed25519', keys[0]!)),
  ].join('\n');

  test.each([
    ['node-a', 22],
    ['node-a', 2222],
    ['NODE-A', 22],
    ['node-x', 22],
    ['node-h', 22],
    ['node-h', 2222],
    ['10.0.0.3', 22],
    ['10.0.0.3', 2200],
    ['10.0.0.33', 22],
    ['a.example.net', 22],
    ['2001:db8::1', 22],
    ['nowhere', 22],
  ])('%s port %i', (host, port) => {
    const directory = temporary();
    const file = join(directory, 'known_hosts');
    writeFileSync(file, `${text}\n`);
    const name = hostName(host, port);
    const said = spawnSync('ssh-keygen', ['-F', name, '-f', file], {encoding: 'utf8'}).stdout;
    const theirs = [...said.matchAll(/found: line (\d+)/g)].map(match => Number(match[1]));
    const ours = parseKnownHosts(text, file)
      .filter(entry => matchesHost(entry.hosts, name))
      .map(entry => entry.line);
    expect(ours).toEqual(theirs);
    rmSync(directory, {recursive: true});
  });
});
