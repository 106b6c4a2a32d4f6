import {spawnSync} from 'node:child_process';
import {rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, describe, expect, test} from 'vitest';
import {resolveTarget, type SshFlags} from '../../../source/wire/ssh/config.ts';
import {temporary} from './sshd.ts';

const person = {user: 'me', home: '/home/me', env: {SSH_AUTH_SOCK: '/run/agent'}};

function resolve(target: string, text = '', flags: SshFlags = {}) {
  return resolveTarget(target, flags, [{file: 'config', text}], person);
}
function last(target: string, text = '', flags: SshFlags = {}) {
  return resolve(target, text, flags).at(-1)!;
}

describe('without configuration', () => {
  test('ssh defaults hold', () => {
    expect(last('node-1')).toEqual({
      alias: 'node-1',
      host: 'node-1',
      port: 22,
      user: 'me',
      identities: ['id_ed25519', 'id_ecdsa', 'id_rsa'].map(name => ({
        path: `/home/me/.ssh/${name}`,
        from: 'default',
      })),
      identitiesOnly: false,
      agent: '/run/agent',
      knownHosts: [
        '/home/me/.ssh/known_hosts',
        '/home/me/.ssh/known_hosts2',
        '/etc/ssh/ssh_known_hosts',
        '/etc/ssh/ssh_known_hosts2',
      ],
      hashKnownHosts: false,
      unknownKey: 'ask',
      connectTimeout: 10,
    });
  });

  test('flags count where the target says nothing', () => {
    expect(last('node-1', '', {login: 'root', port: '2222'})).toMatchObject({user: 'root', port: 2222});
    expect(last('a@node-1:23', '', {login: 'root', port: '2222'})).toMatchObject({user: 'a', port: 23});
    expect(last('node-1', '', {identity: ['~/k'], 'known-hosts': '/kh'})).toMatchObject({
      identities: [{path: '/home/me/k', from: 'flag'}],
      knownHosts: ['/kh'],
    });
    expect(() => last('node-1', '', {port: 'x'})).toThrow('-p takes a port: "x" is no port');
  });
});

const CONFIG = `
# the cluster
Host node-*
  HostName %h.example.net
  User ops
  Port 2200
  IdentityFile ~/.ssh/cluster
  IdentitiesOnly yes
  ProxyJump gate
  ConnectTimeout 3
  StrictHostKeyChecking yes
  UserKnownHostsFile ~/.ssh/kh-a "~/.ssh/kh b"

Host gate
  HostName 192.0.2.9
  User jumper
  StrictHostKeyChecking accept-new
  HashKnownHosts yes

Host *
  User everyone
  Port 22
  IdentityFile ~/.ssh/all
`;

describe('with configuration', () => {
  test('the first value wins, identity files add up', () => {
    const [gate, node] = resolve('node-1', CONFIG);
    expect(node).toMatchObject({
      alias: 'node-1',
      host: 'node-1.example.net',
      user: 'ops',
      port: 2200,
      identities: [
        {path: '/home/me/.ssh/cluster', from: 'config'},
        {path: '/home/me/.ssh/all', from: 'config'},
      ],
      identitiesOnly: true,
      connectTimeout: 3,
      unknownKey: 'refuse',
    });
    expect(node!.knownHosts.slice(0, 2)).toEqual(['/home/me/.ssh/kh-a', '/home/me/.ssh/kh b']);
    expect(gate).toMatchObject({
      alias: 'gate',
      host: '192.0.2.9',
      user: 'jumper',
      port: 22,
      unknownKey: 'add',
      hashKnownHosts: true,
    });
  });

  test('what was typed comes before the configuration, and flags before it too', () => {
    expect(last('root@node-1:23', CONFIG)).toMatchObject({user: 'root', port: 23});
    expect(last('node-1', CONFIG, {login: 'root', port: '24'})).toMatchObject({user: 'root', port: 24});
    expect(last('node-1', CONFIG, {identity: ['/k']}).identities[0]).toEqual({path: '/k', from: 'flag'});
    // A jump host does not take the node's user and port.
    expect(resolve('node-1', CONFIG, {login: 'root', port: '24'})[0]).toMatchObject({
      user: 'jumper',
      port: 22,
    });
  });

  test('-J replaces ProxyJump, and none removes it', () => {
    expect(
      resolve('node-1', CONFIG, {jump: 'a@one:24,two'}).map(hop => `${hop.user}@${hop.host}:${hop.port}`),
    ).toEqual(['a@one:24', 'everyone@two:22', 'ops@node-1.example.net:2200']);
    expect(resolve('node-1', CONFIG, {jump: 'none'})).toHaveLength(1);
  });

  test('one -J for several nodes: a node that is itself a jump host is not reached through itself', () => {
    const flags = {jump: 'root@10.0.0.1,root@10.0.0.2'};
    const way = (node: string) => resolve(node, '', flags).map(hop => hop.host);
    expect(way('root@10.0.0.1')).toEqual(['10.0.0.1']);
    expect(way('root@10.0.0.2')).toEqual(['10.0.0.1', '10.0.0.2']);
    expect(way('root@10.0.0.3')).toEqual(['10.0.0.1', '10.0.0.2', '10.0.0.3']);
  });

  test('the first of several files wins', () => {
    const files = [
      {file: 'mine', text: 'Host a\n  User mine'},
      {file: 'machine', text: 'User machine\nPort 7'},
    ];
    expect(resolveTarget('a', {}, files, person)[0]).toMatchObject({user: 'mine', port: 7});
  });

  test('a jump host may stand behind another', () => {
    const text = 'Host node\n ProxyJump b\nHost b\n ProxyJump a';
    expect(resolve('node', text).map(hop => hop.alias)).toEqual(['a', 'b', 'node']);
  });

  test('circles, ProxyCommand and broken files are told', () => {
    expect(() => resolve('node', 'Host *\n ProxyJump gate')).toThrow('lead in a circle through gate');
    expect(() => resolve('node', 'Host node\n ProxyCommand nc %h %p')).toThrow('hoptop does not run');
    expect(resolve('node', 'Host node\n ProxyCommand nc %h %p', {jump: 'gate'})).toHaveLength(2);
    expect(() => resolve('node', 'Host "a')).toThrow('config cannot be read as ssh');
    expect(() => resolve('node', 'Port seven')).toThrow('"seven" is no port');
  });

  test('no command of the configuration is run', () => {
    const directory = temporary();
    const mark = join(directory, 'ran');
    const text = `Match exec "touch ${mark}"\n  User evil\nHost *\n  CanonicalizeHostname yes\n  CanonicalDomains example.net\n  User good`;
    expect(last('node', text).user).toBe('good');
    expect(spawnSync('test', ['-e', mark]).status).toBe(1);
    rmSync(directory, {recursive: true});
  });

  test('the agent is chosen', () => {
    expect(last('a', 'IdentityAgent none').agent).toBeUndefined();
    expect(last('a', 'IdentityAgent ~/agent').agent).toBe('/home/me/agent');
    expect(last('a', 'IdentityAgent $SSH_AUTH_SOCK').agent).toBe('/run/agent');
  });
});

// The real client says what it makes of the same file.
const ssh = spawnSync('ssh', ['-V']).error === undefined;
describe.skipIf(!ssh)('as ssh -G says', () => {
  const directory = temporary();
  const file = join(directory, 'config');
  writeFileSync(file, CONFIG);
  afterAll(() => rmSync(directory, {recursive: true}));

  test.each([
    ['node-1', []],
    ['root@node-1', []],
    ['gate', []],
    ['other', ['-l', 'x', '-p', '99']],
    ['node-7', ['-p', '99']],
  ])('%s %j', (target, flags) => {
    const said = spawnSync('ssh', ['-G', '-F', file, ...flags, target], {encoding: 'utf8'}).stdout;
    const values = (key: string) =>
      said
        .split('\n')
        .filter(line => line.startsWith(`${key} `))
        .map(line => line.slice(key.length + 1));
    const given = {
      ...(flags.includes('-l') ? {login: 'x'} : {}),
      ...(flags.includes('-p') ? {port: '99'} : {}),
    };
    const hop = last(target, CONFIG, given);
    expect(hop).toMatchObject({
      host: values('hostname')[0],
      user: values('user')[0],
      port: Number(values('port')[0]),
    });
    expect(hop.identities.map(({path}) => path)).toEqual(
      values('identityfile').map(path => path.replace('~', '/home/me')),
    );
    expect(hop.identitiesOnly).toBe(values('identitiesonly')[0] === 'yes');
  });
});
