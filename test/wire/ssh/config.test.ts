import {spawnSync} from 'node:child_process';
import {rmSync} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, test} from 'vitest';
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
      certificates: [],
      identitiesOnly: false,
      agent: '/run/agent',
      methods: ['publickey', 'keyboard-interactive', 'password'],
      prompts: 3,
      knownHosts: [
        '/home/me/.ssh/known_hosts',
        '/home/me/.ssh/known_hosts2',
        '/etc/ssh/ssh_known_hosts',
        '/etc/ssh/ssh_known_hosts2',
      ],
      hashKnownHosts: false,
      hostKeyCheck: 'ask',
      connectTimeout: 10,
      alive: {every: 5, most: 3},
      family: 0,
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
      hostKeyCheck: 'refuse',
    });
    expect(node!.knownHosts.slice(0, 2)).toEqual(['/home/me/.ssh/kh-a', '/home/me/.ssh/kh b']);
    expect(gate).toMatchObject({
      alias: 'gate',
      host: '192.0.2.9',
      user: 'jumper',
      port: 22,
      hostKeyCheck: 'add',
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

  test('a short name of CanonicalDomains is refused with a sentence, a whole one and an address are not', () => {
    const text = 'CanonicalizeHostname yes\nCanonicalDomains example.net\nHost behind\n ProxyJump gate.a.b';
    expect(() => resolve('web', text)).toThrow(
      'which of CanonicalDomains web is in (CanonicalizeHostname), which hoptop does not; write the whole name',
    );
    expect(resolve('web.a.example.net', text).map(({host}) => host)).toEqual(['web.a.example.net']);
    expect(resolve('10.0.0.1', text).map(({host}) => host)).toEqual(['10.0.0.1']);
    expect(resolve('behind', text).map(({host}) => host)).toEqual(['gate.a.b', 'behind']);
  });

  test('a node’s own jump hosts go before -J and ProxyJump; none goes straight', () => {
    const files = [{file: 'mine', text: 'Host gate a b c\n  ProxyJump none\nHost *\n  ProxyJump gate'}];
    const way = (jump: string | undefined, flags: SshFlags) =>
      resolveTarget({host: 'n', ...(jump === undefined ? {} : {jump})}, flags, files, person).map(
        hop => hop.host,
      );
    expect(way('a,b', {jump: 'c'})).toEqual(['a', 'b', 'n']);
    expect(way('none', {jump: 'c'})).toEqual(['n']);
    expect(way(undefined, {jump: 'c'})).toEqual(['c', 'n']);
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
    expect(() => resolve('node', 'Host node\n ProxyCommand nc %h %p')).toThrow(
      'does not run itself; use --transport openssh',
    );
    expect(resolve('node', 'Host node\n ProxyCommand nc %h %p', {jump: 'gate'})).toHaveLength(2);
    expect(() => resolve('node', 'Host "a')).toThrow('config cannot be read as ssh');
    expect(() => resolve('node', 'Port seven')).toThrow('"seven" is no port');
  });

  test('no command of the configuration is run, and it is said where one would decide', () => {
    const directory = temporary();
    const mark = join(directory, 'ran');
    const exec = `Match exec "touch ${mark}"`;
    expect(() => last('node', `${exec}\n  User evil\nHost *\n  User good`)).toThrow(
      /^config has a Match exec \(touch .*\) that runs a command, which hoptop does not, which decides about User for node: /,
    );
    // It cannot matter: it decides nothing that counts, something settled before, or another host's.
    expect(last('node', `${exec}\n  ForwardAgent yes\nHost *\n  User good`).user).toBe('good');
    expect(last('node', `User good\n${exec}\n  User evil`).user).toBe('good');
    expect(last('me@node', `${exec}\n  User evil`).user).toBe('me');
    expect(last('node', `Match host other exec "touch ${mark}"\n  User evil`).user).toBe('me');
    expect(last('node', `Match exec "touch ${mark}" host other\n  User evil`).user).toBe('me');
    expect(resolve('node', `${exec}\n  ProxyJump gate`, {jump: 'none'})).toHaveLength(1);
    expect(() => last('node', 'Match localnetwork 10.0.0.0/8\n  Port 23')).toThrow('hoptop cannot evaluate');
    expect(spawnSync('test', ['-e', mark]).status).toBe(1);
    rmSync(directory, {recursive: true});
  });

  test.each([
    ['Match host', 'Missing value for match criteria host'],
    ['Match all host a', '"all" stands with others'],
  ])('%s is refused', (text, why) => {
    expect(() => last('node', `${text}\n  Port 23`)).toThrow(why);
  });

  test('tokens and variables are filled in, and unknown ones refused', () => {
    const person = {
      user: 'me',
      home: '/home/me',
      uid: 7,
      hostname: 'desk.example.net',
      env: {DIR: '/keys', HOME: '/h'},
    };
    const text = 'Host n1\n HostName %h.net\n HostKeyAlias kept\n Port 23\n User ops\n';
    const variable = (name: string) => `\${${name}}`;
    const file = (path: string) =>
      resolveTarget('n1', {}, [{file: 'config', text: `${text} IdentityFile "${path}"`}], person)[0]!
        .identities[0]!.path;
    expect(file('~/%n-%h-%p-%r-%u-%i-%L-%k-%%')).toBe('/home/me/n1-n1.net-23-ops-me-7-desk-kept-%');
    expect(file('%d/k')).toBe('/home/me/k');
    expect(file(`${variable('DIR')}/%l`)).toBe('/keys/desk.example.net');
    expect(() => file('/a/%T')).toThrow('"/a/%T", and hoptop does not know what %T means');
    expect(() => file(`${variable('NO')}/a`)).toThrow(`there is no variable ${variable('NO')}`);
  });

  test('a jump host by token, and each with its own settings', () => {
    const text =
      'Host n*\n ProxyJump %r@gate-%n:24,far\n User ops\nHost gate-*\n HostKeyAlias g\n IdentityFile /g\nHost far\n User faruser\n Port 25';
    expect(resolve('n1', text)).toMatchObject([
      {alias: 'gate-n1', user: 'ops', port: 24, hostKeyAlias: 'g', identities: [{path: '/g'}]},
      {alias: 'far', user: 'faruser', port: 25},
      {alias: 'n1', user: 'ops', port: 22},
    ]);
    const long = Array.from({length: 12}, (_, n) => `Host h${n}\n ProxyJump h${n + 1}`).join('\n');
    expect(resolve('h0', long).map(hop => hop.alias)).toEqual(
      Array.from({length: 13}, (_, n) => `h${12 - n}`),
    );
    expect(() => resolve('n', 'Match all\n ProxyJump %h.x')).toThrow('is behind more than 32 jump hosts');
  });

  test('other settings', () => {
    expect(last('a', 'PreferredAuthentications password,gssapi-with-mic,publickey').methods).toEqual([
      'password',
      'publickey',
    ]);
    expect(last('a', 'PubkeyAuthentication no\nPasswordAuthentication no').methods).toEqual([
      'keyboard-interactive',
    ]);
    expect(last('a', 'BatchMode yes')).toMatchObject({prompts: 0, hostKeyCheck: 'refuse'});
    expect(last('a', 'ConnectTimeout 1m30s').connectTimeout).toBe(90);
    expect(last('a', 'ConnectTimeout none').connectTimeout).toBe(10);
    expect(last('a', 'ServerAliveInterval 7\nServerAliveCountMax 2').alive).toEqual({every: 7, most: 2});
    expect(last('a', 'AddressFamily inet6\nBindAddress ::1')).toMatchObject({family: 6, bindAddress: '::1'});
    expect(last('a', 'StrictHostKeyChecking no').hostKeyCheck).toBe('off');
  });

  test('the agent is chosen', () => {
    expect(last('a', 'IdentityAgent none').agent).toBeUndefined();
    expect(last('a', 'IdentityAgent ~/agent').agent).toBe('/home/me/agent');
    expect(last('a', 'IdentityAgent $SSH_AUTH_SOCK').agent).toBe('/run/agent');
  });
});
