/** The real client says what it makes of the same files: `ssh -G`, with a home of its own in a mount namespace. */
import {spawnSync} from 'node:child_process';
import {chmodSync, mkdirSync, rmSync, writeFileSync} from 'node:fs';
import {homedir, hostname} from 'node:os';
import {dirname, join} from 'node:path';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {resolveTarget} from '../../../source/wire/ssh/config.ts';
import {readConfigs} from '../../../source/wire/ssh/config-files.ts';
import {type Keyword, settingsFor} from '../../../source/wire/ssh/settings.ts';
import {parseTarget} from '../../../source/wire/ssh/target.ts';
import {missing, temporary} from './sshd.ts';

/** Files of a home; the first is read by ssh, the others are included. */
const FILES: Readonly<Record<string, string>> = {
  '.ssh/config': `
Include conf.d/*.conf
Include ~/.ssh/extra/one ~/.ssh/extra/two
Include absent/*.conf
Host first
  Include nested/host
  User outer
Host node-* !node-9 box
  HostName %h.example.net
  User ops
  Port 2200
  IdentityFile ~/.ssh/cluster
  IdentitiesOnly yes
  ProxyJump a@gate:24,far
  ConnectTimeout 3
  StrictHostKeyChecking yes
  UserKnownHostsFile ~/.ssh/kh-a "~/.ssh/kh b"
  GlobalKnownHostsFile /dev/null
  CertificateFile ~/.ssh/cluster-cert.pub
Host !node-9 *9
  HostKeyAlias nine
Host Upper
  User upper
host=equals
  user=equal
  port=77
Match host *.example.net user ops
  IdentityFile ~/.ssh/matched
  ServerAliveInterval 9
Match originalhost box
  ServerAliveCountMax 8
Match !host *.example.net,192.0.2.*
  AddressFamily inet6
Match localuser root
  PreferredAuthentications publickey,password
Match final host *.example.net
  HostKeyAlias final-%h
  HashKnownHosts yes
Match user nobody-else
  User never
Host 192.0.2.?
  User digits
  StrictHostKeyChecking accept-new
Host strict-no
  StrictHostKeyChecking no
  NumberOfPasswordPrompts 1
  BatchMode yes
  ServerAliveInterval 0
Host proxied
  ProxyCommand none
  ProxyJump ignored
Host jumped
  ProxyJump none
  ProxyCommand ignored %h
Host *
  User everyone
  IdentityFile ~/.ssh/all
  IdentityAgent ~/.ssh/agent
`,
  '.ssh/conf.d/10-a.conf': 'Host inc-*\n  User from-a\n  Port 1001\n',
  '.ssh/conf.d/20-b.conf': 'Host inc-*\n  User from-b\n  HostName b.example.org\nPort 1002\n',
  '.ssh/conf.d/.hidden.conf': 'Host inc-*\n  User hidden\n',
  '.ssh/conf.d/30.other': 'Host inc-*\n  User other\n',
  '.ssh/extra/one': 'Host two-level\n  Include extra/deeper\n',
  '.ssh/extra/two': 'Host extra\n  User two # with a comment\n',
  '.ssh/extra/deeper': 'User deep\nHost two-level\n  Port 3003\nHost elsewhere\n  Port 3004\n',
  '.ssh/nested/host':
    'Port 4004\nHost other\n  User nested-other\nHost first\n  IdentityFile ~/.ssh/nested\n',
};

const TARGETS = [
  'node-1',
  'node-9',
  'box',
  'root@node-1',
  'bob@box',
  'first',
  'other',
  'elsewhere',
  'two-level',
  'inc-1',
  'extra',
  'Upper',
  'upper',
  'equals',
  'x.example.net',
  'X.Example.NET',
  '192.0.2.7',
  '2001:db8::1',
  'strict-no',
  'proxied',
  'jumped',
  'nobody-else@any',
];

const KEYWORDS: readonly Keyword[] = [
  'addressfamily',
  'batchmode',
  'certificatefile',
  'connecttimeout',
  'globalknownhostsfile',
  'hashknownhosts',
  'hostkeyalias',
  'identitiesonly',
  'identityagent',
  'identityfile',
  'numberofpasswordprompts',
  'preferredauthentications',
  'proxycommand',
  'proxyjump',
  'serveralivecountmax',
  'serveraliveinterval',
  'stricthostkeychecking',
  'userknownhostsfile',
];
/** `ssh -G` says some values in its own words. */
const OWN_WORDS: Readonly<Record<string, string>> = {
  'stricthostkeychecking yes': 'true',
  'stricthostkeychecking no': 'false',
  'hashknownhosts yes': 'yes',
};
/** `ssh -G` shows no value where there is a default, or `none` where it is switched off. */
const SILENT = ['proxycommand none', 'proxyjump none'];

describe.skipIf(missing())('as ssh -G says', () => {
  let home: string;
  beforeAll(() => {
    home = temporary();
    for (const [name, text] of Object.entries(FILES)) {
      mkdirSync(join(home, dirname(name)), {recursive: true});
      writeFileSync(join(home, name), text, {mode: 0o600});
    }
  });
  afterAll(() => rmSync(home, {recursive: true}));

  /** ssh takes the home from the password database: the directory is put there for it alone. */
  const ask = (...words: readonly string[]) => {
    const script = 'mount --bind "$0" "$1" && shift && exec ssh -G "$@"';
    const {stdout, stderr, status} = spawnSync(
      'unshare',
      ['-m', 'sh', '-c', script, home, homedir(), ...words],
      {encoding: 'utf8'},
    );
    const values = (key: string) =>
      stdout.split('\n').flatMap(line => (line.startsWith(`${key} `) ? [line.slice(key.length + 1)] : []));
    return {values, stderr, status};
  };
  const defaults = () => ask('-F', 'none', 'plain').values;

  test.each(TARGETS)('%s', target => {
    const {values, stderr, status} = ask(target);
    expect(status, stderr).toBe(0);
    const usual = defaults();
    const configs = readConfigs(undefined, home);
    const settings = settingsFor(configs, {...parseTarget(target), jumps: false, localUser: 'root'});
    expect([settings.host]).toEqual(values('hostname'));
    for (const keyword of KEYWORDS) {
      const mine = settings.all(keyword);
      const said = mine?.map(value => OWN_WORDS[`${keyword} ${value}`] ?? value);
      const lists = /known.*file|proxycommand/.test(keyword) && said ? [said.join(' ')] : said;
      const shown = lists?.filter(value => !SILENT.includes(`${keyword} ${value}`)) ?? usual(keyword);
      // It shows some paths whole, others as they were written.
      const short = (list: readonly string[]) => list.map(value => value.replaceAll(homedir(), '~'));
      expect([keyword, ...short(shown)]).toEqual([keyword, ...short(values(keyword))]);
    }
    const person = {user: 'root', home: homedir(), env: {}};
    const hop = resolveTarget(target, target === 'jumped' ? {jump: 'none'} : {}, configs, person).at(-1)!;
    expect({user: [hop.user], port: [String(hop.port)]}).toEqual({
      user: values('user'),
      port: values('port'),
    });
  });

  test.each([
    ['-l x -p 99', {login: 'x', port: '99'}],
    ['-i /etc/passwd -i /etc/group', {identity: ['/etc/passwd', '/etc/group']}],
  ])('node-1 with %s', (words, flags) => {
    const {values} = ask(...words.split(' '), 'node-1');
    const person = {user: 'root', home: homedir(), env: {}};
    const hop = resolveTarget('node-1', flags, readConfigs(undefined, home), person).at(-1)!;
    expect([hop.user]).toEqual(values('user'));
    expect([String(hop.port)]).toEqual(values('port'));
    expect(hop.identities.map(({path}) => path)).toEqual(
      values('identityfile').map(path => path.replace('~', homedir())),
    );
  });

  /** `ssh -G` fills the tokens of ControlPath in; the paths that hoptop follows take the same ones. */
  test.each([
    ['192.0.2.7', '%C-%h-%n-%p-%r-%u-%i-%L-%l-%k-%%-%d'],
    ['bob@node-9', '%C-%h-%n-%p-%r-%u-%i-%L-%l-%k-%%-%d'],
    ['box', '%h-%n-%p-%r-%u-%i-%L-%l-%k-%%-%d'],
  ])('tokens of %s', (target, tokens) => {
    const file = join(home, 'tokens');
    writeFileSync(
      file,
      `${FILES['.ssh/config']!.replace(/^Include.*$/gm, '')}\n  ControlPath /x/${tokens}\n  CertificateFile /x/${tokens}\n`,
      {mode: 0o600},
    );
    const {values, status} = ask('-F', file, target);
    expect(status).toBe(0);
    const person = {user: 'root', home: homedir(), env: {}, uid: 0, hostname: hostname()};
    const hop = resolveTarget(target, {}, readConfigs(file, home), person).at(-1)!;
    expect([hop.certificates.at(-1)]).toEqual(values('controlpath'));
  });

  test('a file that others may write to is refused, as by ssh', () => {
    chmodSync(join(home, '.ssh/extra/one'), 0o666);
    expect(ask('node-1').stderr).toContain('Bad owner or permissions');
    expect(() =>
      settingsFor(readConfigs(undefined, home), {host: 'a', jumps: false, localUser: 'me'}),
    ).toThrow('Others than you may write to');
    chmodSync(join(home, '.ssh/extra/one'), 0o600);
  });

  test('files that include each other come to an end', () => {
    writeFileSync(join(home, 'circle'), `Include ${join(home, 'circle')}\n`, {mode: 0o600});
    expect(ask('-F', join(home, 'circle'), 'a').stderr).toContain(
      'Too many recursive configuration includes',
    );
    expect(() =>
      settingsFor(readConfigs(join(home, 'circle'), home), {host: 'a', jumps: false, localUser: 'me'}),
    ).toThrow('is included more than 16 files deep');
  });
});
