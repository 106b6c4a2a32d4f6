import {execFileSync, spawnSync} from 'node:child_process';
import {chmodSync, existsSync, mkdirSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {hashHost} from '../../../source/wire/ssh/known-hosts.ts';
import {dialNode, hello, knownHosts, read, refusal, type Setup, scripted, target} from './setup.ts';
import {makeKey, missing, type Sshd, startSshd, temporary} from './sshd.ts';

describe.skipIf(missing())('host keys, against a real sshd', () => {
  let sshd: Sshd;
  let both: Sshd;
  let key: string;
  let directory: string;
  let other: string;
  let print: string;

  beforeAll(async () => {
    directory = temporary();
    key = join(directory, 'id');
    const pub = makeKey(key);
    other = makeKey(join(directory, 'other'));
    sshd = await startSshd();
    both = await startSshd({}, {keyTypes: ['ed25519', 'ecdsa', 'rsa']});
    sshd.authorize(pub);
    both.authorize(pub);
    const file = join(sshd.directory, 'host_ed25519.pub');
    print = execFileSync('ssh-keygen', ['-lf', file], {encoding: 'utf8'}).split(' ')[1]!;
  });
  afterAll(async () => {
    await sshd.stop();
    await both.stop();
    rmSync(directory, {recursive: true});
  });

  const go = (file: string, setup: Setup = {}, to = sshd) =>
    dialNode(target(to), {...setup, flags: {identity: [key], 'known-hosts': file, ...setup.flags}});

  test('known: plain, with its port', async () => {
    const steps: string[] = [];
    expect(await hello(go(knownHosts(directory, sshd.known), {steps}))).toBe('hello from root');
    expect(steps).toEqual([
      'connecting to 127.0.0.1',
      'checking host key',
      'authenticating',
      'starting shell',
    ]);
  });

  test('known: hashed by ssh-keygen -H', async () => {
    const file = knownHosts(directory, sshd.known);
    execFileSync('ssh-keygen', ['-H', '-f', file], {stdio: 'ignore'});
    expect(read(file)).toMatch(/^\|1\|/);
    expect(await hello(go(file))).toBe('hello from root');
  });

  test('known: under the plain name, as ssh accepts it for another port', async () => {
    expect(await hello(go(knownHosts(directory, `127.0.0.1 ${sshd.hostKeys[0]}\n`)))).toBe('hello from root');
  });

  test.each(['ecdsa', 'rsa', 'ed25519'])('known: only its %s key, of three', async type => {
    const known = both.hostKeys.find(line => line.includes(type))!;
    const file = knownHosts(directory, `[127.0.0.1]:${both.port} ${known}\n`);
    expect(await hello(go(file, {}, both))).toBe('hello from root');
  });

  test('unknown: refused when nobody can be asked, with fingerprint and remedy', async () => {
    const file = join(directory, 'none');
    const error = await refusal(go(file));
    expect(error.final).toBe(true);
    expect(error.message).toBe(
      `The host key of n (127.0.0.1:${sshd.port}) is not known: ED25519 ${print}. Check that this is its fingerprint; then connect once with \`ssh -p ${sshd.port} root@127.0.0.1\`, or add it with \`ssh-keyscan -p ${sshd.port} 127.0.0.1 >> ${file}\`, or open hoptop's UI to accept it.`,
    );
    expect(existsSync(file)).toBe(false);
  });

  test('unknown: asked, remembered as OpenSSH does, and ssh agrees with the entry', async () => {
    const home = join(directory, 'home');
    const file = join(home, '.ssh', 'known_hosts');
    const {prompter, asked} = scripted('remember');
    expect(await hello(go(file, {prompter}))).toBe('hello from root');
    expect(asked).toHaveLength(1);
    expect(asked[0]).toContain(`ED25519 ${print}`);
    expect(asked[0]).toContain(`127.0.0.1:${sshd.port}`);
    expect(read(file)).toBe(sshd.known);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(join(home, '.ssh')).mode & 0o777).toBe(0o700);
    // Known from now on, to hoptop and to ssh.
    expect(await hello(go(file))).toBe('hello from root');
    const strict = ['-F', 'none', '-o', `UserKnownHostsFile=${file}`, '-o', 'GlobalKnownHostsFile=/dev/null'];
    const by = ['-o', 'StrictHostKeyChecking=yes', '-o', 'BatchMode=yes', '-i', key, '-p', String(sshd.port)];
    expect(execFileSync('ssh', [...strict, ...by, 'root@127.0.0.1', 'echo ok'], {encoding: 'utf8'})).toBe(
      'ok\n',
    );
  });

  test('unknown: remembered in a file that ends without a newline, hashed where the file is', async () => {
    const hashed = `${hashHost('elsewhere', Buffer.alloc(20, 1))} ${other}`;
    const file = knownHosts(directory, hashed);
    expect(await hello(go(file, scripted('remember')))).toBe('hello from root');
    const lines = read(file).split('\n');
    expect(lines[0]).toBe(hashed);
    expect(lines[1]).toMatch(/^\|1\|/);
    const name = `[127.0.0.1]:${sshd.port}`;
    expect(execFileSync('ssh-keygen', ['-F', name, '-f', file], {encoding: 'utf8'})).toContain(
      'found: line 2',
    );
  });

  test('unknown: accepted once, nothing is written', async () => {
    const file = join(directory, 'once');
    expect(await hello(go(file, scripted('once')))).toBe('hello from root');
    expect(existsSync(file)).toBe(false);
  });

  test('unknown: declined', async () => {
    const error = await refusal(go(join(directory, 'declined'), scripted('no')));
    expect(error.final).toBe(true);
    expect(error.message).toContain('You did not accept the host key of n');
  });

  test('unknown: StrictHostKeyChecking yes asks nobody, accept-new adds', async () => {
    const config = join(directory, 'config');
    const file = join(directory, 'new');
    writeFileSync(config, 'StrictHostKeyChecking yes');
    const {prompter, asked} = scripted('remember');
    const strict = await refusal(go(file, {prompter, flags: {'ssh-config': config}}));
    expect(strict.message).toContain('is not known');
    expect(asked).toEqual([]);
    writeFileSync(config, 'StrictHostKeyChecking accept-new\nHashKnownHosts yes');
    expect(await hello(go(file, {flags: {'ssh-config': config}}))).toBe('hello from root');
    expect(read(file)).toMatch(/^\|1\|\S+ ssh-ed25519 \S+\n$/);
  });

  test.each([
    ['headless', undefined],
    ['with somebody to ask', 'remember'],
  ])('changed: refused %s, naming the line and the command', async (_name, answer) => {
    const name = `[127.0.0.1]:${sshd.port}`;
    const file = knownHosts(directory, `# mine\n${name} ${other}\n`);
    const script = scripted(answer ?? '');
    const error = await refusal(go(file, answer === undefined ? {} : script));
    expect(error.final).toBe(true);
    expect(error.message).toContain(`it is now ED25519 ${print}, while ${file}:2 has another ED25519 key`);
    const command = /`ssh-keygen -f (\S+) -R '(\S+)'`/.exec(error.message)!;
    expect(script.asked).toEqual([]);
    // The command that is named removes the entry.
    execFileSync('ssh-keygen', ['-f', command[1]!, '-R', command[2]!], {stdio: 'ignore'});
    expect(read(file)).toBe('# mine\n');
  });

  test('changed: a known key of a type the server no longer has', async () => {
    const ecdsa = both.hostKeys.find(line => line.startsWith('ecdsa'))!;
    const file = knownHosts(directory, `[127.0.0.1]:${sshd.port} ${ecdsa}\n`);
    expect((await refusal(go(file))).message).toContain(`${file}:1 has another ECDSA key`);
  });

  test('revoked', async () => {
    const file = knownHosts(directory, `${sshd.known}@revoked * ${sshd.hostKeys[0]}\n`);
    const error = await refusal(go(file, scripted('remember')));
    expect(error.final).toBe(true);
    expect(error.message).toContain(`is revoked in ${file}:2`);
  });

  // Whatever a file says, ssh and hoptop let the same hosts in.
  test.each([
    ['the key', true, (name: string, mine: string) => `${name} ${mine}`],
    ['wildcards', true, (_name: string, mine: string) => `[127.0.?.*]:* ${mine}`],
    // The plain name is looked up after the one with the port, and that one is not negated.
    ['a negation of the name with its port', true, (name: string, mine: string) => `!${name},* ${mine}`],
    ['a negation of both names', false, (name: string, mine: string) => `*,!${name},!127.* ${mine}`],
    [
      'the key on the second line',
      true,
      (name: string, mine: string, its: string) => `${name} ${its}\n${name} ${mine}`,
    ],
    ['another key', false, (name: string, _mine: string, its: string) => `${name} ${its}`],
    ['the plain name', true, (_name: string, mine: string) => `127.0.0.1 ${mine}`],
    ['another port', false, (_name: string, mine: string) => `[127.0.0.1]:1 ${mine}`],
    ['revoked, and listed', false, (name: string, mine: string) => `${name} ${mine}\n@revoked * ${mine}`],
    ['revoked elsewhere', true, (name: string, mine: string) => `${name} ${mine}\n@revoked other ${mine}`],
    ['an authority only', false, (_name: string, mine: string) => `@cert-authority * ${mine}`],
    [
      'a comment and an unknown marker',
      false,
      (name: string, mine: string) => `# ${name} ${mine}\n@what ${name} ${mine}`,
    ],
    ['upper case', true, (_name: string, mine: string) => `LOCALHOST,[127.0.0.1]:* ${mine}`],
  ])('ssh says the same: %s', async (_what, enters, line) => {
    const name = `[127.0.0.1]:${sshd.port}`;
    const file = knownHosts(directory, `${line(name, sshd.hostKeys[0]!, other)}\n`);
    const options = [
      'BatchMode=yes',
      'StrictHostKeyChecking=yes',
      `UserKnownHostsFile=${file}`,
      'GlobalKnownHostsFile=/dev/null',
    ];
    const ssh = spawnSync('ssh', [
      ...['-F', 'none', '-i', key, '-p', String(sshd.port)],
      ...options.flatMap(option => ['-o', option]),
      ...['root@127.0.0.1', 'true'],
    ]);
    expect(ssh.status, String(ssh.stderr)).toBe(enters ? 0 : 255);
    if (enters) expect(await hello(go(file))).toBe('hello from root');
    else expect((await refusal(go(file))).final).toBe(true);
  });

  test('RevokedHostKeys: a list of keys, a list that is binary, and one that is not there', async () => {
    const file = knownHosts(directory, sshd.known);
    const list = join(directory, 'revoked');
    const config = join(directory, 'revoking');
    writeFileSync(config, `RevokedHostKeys ${list}\n`);
    const flags = {'ssh-config': config};
    expect((await refusal(go(file, {flags}))).message).toContain(`${list} cannot be read (ENOENT)`);
    writeFileSync(list, `${other} comment\n`);
    expect(await hello(go(file, {flags}))).toBe('hello from root');
    writeFileSync(list, `# out\n${other}\n${sshd.hostKeys[0]}\n`);
    expect((await refusal(go(file, {flags}))).message).toContain(`is revoked in ${list}:3`);
    execFileSync('ssh-keygen', ['-q', '-k', '-f', list, join(directory, 'other.pub')]);
    expect((await refusal(go(file, {flags}))).message).toContain('it is a binary list, a KRL');
  });

  test('a file that cannot be read refuses everybody', async () => {
    const file = join(directory, 'a-directory');
    mkdirSync(file);
    const error = await refusal(go(file, scripted('remember')));
    expect(error.final).toBe(true);
    expect(error.message).toContain(`The host keys in ${file} cannot be read (EISDIR)`);
  });

  test('a file that cannot be written does not take the answer back', async () => {
    const blocker = join(directory, 'blocker');
    writeFileSync(blocker, '');
    chmodSync(blocker, 0o600);
    const steps: string[] = [];
    const config = join(directory, 'config-unwritable');
    // /proc takes no new files, even from root.
    writeFileSync(config, 'UserKnownHostsFile /proc/hoptop-known-hosts');
    const setup = {...scripted('remember'), steps};
    const shell = dialNode(target(sshd), {...setup, flags: {identity: [key], 'ssh-config': config}});
    expect(await hello(shell)).toBe('hello from root');
    expect(steps.join('\n')).toContain('could not be written to /proc/hoptop-known-hosts');
  });
});
