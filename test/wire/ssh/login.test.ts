import {execFileSync} from 'node:child_process';
import {existsSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {createPrompter} from '../../../source/wire/prompter.ts';
import {dialNode, hello, knownHosts, refusal, type Setup, say, target} from './setup.ts';
import {type Agent, makeKey, missing, type Sshd, startAgent, startSshd, temporary} from './sshd.ts';

describe.skipIf(missing())('logging in, against a real sshd', () => {
  let sshd: Sshd;
  let agent: Agent;
  let directory: string;
  let known: string;
  const path = (name: string) => join(directory, name);

  beforeAll(async () => {
    directory = temporary();
    sshd = await startSshd({MaxAuthTries: '4'});
    agent = await startAgent();
    known = knownHosts(directory, sshd.known);
    for (const type of ['ed25519', 'ecdsa', 'rsa']) sshd.authorize(makeKey(path(type), type));
    sshd.authorize(makeKey(path('locked'), 'ed25519', 'a passphrase'));
    sshd.authorize(makeKey(path('held')));
    for (const name of ['stranger-1', 'stranger-2', 'stranger-3', 'stranger-4', 'stranger-5'])
      makeKey(path(name));
  });
  afterAll(async () => {
    await sshd.stop();
    agent.stop();
    rmSync(directory, {recursive: true});
  });

  const go = (setup: Setup = {}, user = 'root') =>
    dialNode(target(sshd, user), {...setup, flags: {'known-hosts': known, ...setup.flags}});
  const withKey = (...names: string[]) => go({flags: {identity: names.map(path)}});

  test.each(['ed25519', 'ecdsa', 'rsa'])('with an %s key file', async type => {
    expect(await hello(withKey(type))).toBe('hello from root');
  });

  test('with the second of two key files', async () => {
    expect(await hello(withKey('stranger-1', 'ed25519'))).toBe('hello from root');
  });

  test('with the default key of the home directory', async () => {
    const home = path('home');
    execFileSync('mkdir', ['-p', join(home, '.ssh')]);
    execFileSync('cp', [path('ecdsa'), join(home, '.ssh', 'id_ecdsa')]);
    expect(await hello(go({home}))).toBe('hello from root');
  });

  test('with the agent', async () => {
    agent.add(path('held'));
    expect(await hello(go({env: {SSH_AUTH_SOCK: agent.socket}}))).toBe('hello from root');
  });

  test('with an rsa key in the agent', async () => {
    const own = await startAgent();
    own.add(path('rsa'));
    expect(await hello(go({env: {SSH_AUTH_SOCK: own.socket}}))).toBe('hello from root');
    own.stop();
  });

  test('an agent full of other keys does not use up MaxAuthTries before the key that was named', async () => {
    const full = await startAgent();
    for (let n = 1; n <= 5; n++) full.add(path(`stranger-${n}`));
    const env = {SSH_AUTH_SOCK: full.socket};
    expect(await hello(go({env, flags: {identity: [path('ed25519')]}}))).toBe('hello from root');
    const error = await refusal(go({env}));
    expect(error.final).toBe(true);
    expect(error.message).toMatch(/cut the login of root off after 4 keys \(agent key .*IdentitiesOnly yes/);
    full.stop();
  });

  test('IdentitiesOnly takes only named keys from the agent, by their public half', async () => {
    const full = await startAgent();
    for (let n = 1; n <= 5; n++) full.add(path(`stranger-${n}`));
    full.add(path('held'));
    const config = path('config');
    writeFileSync(config, `IdentitiesOnly yes\nIdentityFile ${path('held')}.pub\n`);
    const setup = {env: {SSH_AUTH_SOCK: full.socket}, flags: {'ssh-config': config}};
    expect(await hello(go(setup))).toBe('hello from root');
    full.stop();
  });

  test('an encrypted key works through the agent, and says so when the agent does not have it', async () => {
    const error = await refusal(withKey('locked'));
    expect(error.final).toBe(true);
    expect(error.message).toContain(
      `${path('locked')} is encrypted and not in the agent: run \`ssh-add ${path('locked')}\``,
    );
    const own = await startAgent();
    execFileSync('cp', [path('locked'), path('unlocked')]);
    execFileSync('ssh-keygen', ['-q', '-p', '-P', 'a passphrase', '-N', '', '-f', path('unlocked')]);
    own.add(path('unlocked'));
    rmSync(`${path('locked')}.pub`);
    const steps = go({env: {SSH_AUTH_SOCK: own.socket}, flags: {identity: [path('locked')]}});
    expect(await hello(steps)).toBe('hello from root');
    own.stop();
  });

  describe('user certificates', () => {
    let ca: string;
    let trusting: Sshd;
    let flags: NonNullable<Setup['flags']>;
    /** Signs a key as ssh-keygen does; only the certificate gets in, the key itself is not authorized. */
    const sign = (name: string, ...options: string[]) =>
      execFileSync('ssh-keygen', ['-q', '-s', ca, '-I', name, '-n', 'root', ...options, `${path(name)}.pub`]);
    beforeAll(async () => {
      ca = path('ca');
      makeKey(ca);
      trusting = await startSshd({TrustedUserCAKeys: `${ca}.pub`, LogLevel: 'DEBUG1'});
      flags = {'known-hosts': knownHosts(trusting.directory, trusting.known)};
    });
    afterAll(() => trusting.stop());
    const enter = (setup: Setup) => dialNode(target(trusting), {...setup, flags: {...flags, ...setup.flags}});

    test.each([
      ['ed25519', []],
      ['ecdsa', ['-b', '256']],
      ['ecdsa', ['-b', '384']],
      ['ecdsa', ['-b', '521']],
      ['rsa', ['-b', '2048']],
    ])('beside the key: %s %j', async (type, options) => {
      const name = `cert-${type}-${options.join('')}`;
      execFileSync('ssh-keygen', ['-q', '-t', type, ...options, '-N', '', '-f', path(name)]);
      sign(name);
      expect(await hello(enter({flags: {identity: [path(name)]}}))).toBe('hello from root');
      expect(trusting.log()).toMatch(new RegExp(`Accepted publickey for root .*-CERT .*ID ${name}`));
    });

    test('by CertificateFile, with the key in the agent or encrypted', async () => {
      for (const [name, passphrase] of [
        ['held-cert', ''],
        ['locked-cert', 'open sesame'],
      ] as const) {
        makeKey(path(name), 'rsa', passphrase);
        sign(name);
        execFileSync('mv', [`${path(name)}-cert.pub`, path(`${name}.elsewhere`)]);
      }
      const own = await startAgent();
      own.add(path('held-cert'));
      const config = path('cert-config');
      const text = (name: string) =>
        `IdentityFile ${path(name)}\nCertificateFile ${path(`${name}.elsewhere`)}\nIdentitiesOnly yes\n`;
      writeFileSync(config, text('held-cert'));
      rmSync(path('held-cert'));
      const env = {SSH_AUTH_SOCK: own.socket};
      expect(await hello(enter({env, flags: {'ssh-config': config}}))).toBe('hello from root');
      own.stop();
      writeFileSync(config, text('locked-cert'));
      const prompter = createPrompter();
      prompter.prompts(
        prompt => prompt && setImmediate(() => prompter.answer(prompt.id, 'once', 'open sesame')),
      );
      expect(await hello(enter({prompter, flags: {'ssh-config': config}}))).toBe('hello from root');
    });

    test('one that has expired, one for somebody else, one of another authority, and nonsense', async () => {
      for (const name of ['expired', 'for-another', 'foreign', 'nonsense']) makeKey(path(name));
      sign('expired', '-V', '20200101:20200102');
      execFileSync('ssh-keygen', ['-q', '-s', ca, '-I', 'x', '-n', 'other', `${path('for-another')}.pub`]);
      makeKey(path('other-ca'));
      execFileSync('ssh-keygen', [
        '-q',
        '-s',
        path('other-ca'),
        '-I',
        'x',
        '-n',
        'root',
        `${path('foreign')}.pub`,
      ]);
      writeFileSync(`${path('nonsense')}-cert.pub`, 'ssh-ed25519-cert-v01@openssh.com AAAA\n');
      const why = async (name: string) => (await refusal(enter({flags: {identity: [path(name)]}}))).message;
      expect(await why('expired')).toContain(
        `The certificate ${path('expired')}-cert.pub expired at 2020-01-0`,
      );
      expect(await why('for-another')).toContain(`certificate ${path('for-another')}-cert.pub`);
      expect(await why('foreign')).toContain(`certificate ${path('foreign')}-cert.pub`);
      expect(await why('nonsense')).toContain('is no user certificate that hoptop can use');
    });
  });

  test('a refused key is named', async () => {
    const error = await refusal(withKey('stranger-1', 'stranger-2'));
    expect(error.final).toBe(true);
    expect(error.message).toBe(
      `n (127.0.0.1:${sshd.port}) does not accept for root any key that was tried (${path('stranger-1')}, ${path('stranger-2')}): add one to that user's authorized_keys, name another with -i or another user with -l.`,
    );
  });

  test('no key at all', async () => {
    const error = await refusal(go());
    expect(error.final).toBe(true);
    expect(error.message).toContain('There is no key to log in with as root on n');
  });

  test.each([
    ['missing', () => path('absent'), /There is no key file .*absent/],
    ['a directory', () => directory, /cannot be read \(EISDIR\)/],
    ['no key', () => known, /is not a private key that hoptop can read/],
  ])('a named key file that is %s', async (_name, file, why) => {
    const error = await refusal(go({flags: {identity: [file()]}}));
    expect(error.final).toBe(true);
    expect(error.message).toMatch(why);
  });

  test('a key in a security device is told from a broken one', async () => {
    const string = (text: string | Buffer) => {
      const bytes = Buffer.from(text);
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return Buffer.concat([length, bytes]);
    };
    // openssh PROTOCOL.key, with the public half of PROTOCOL.u2f; the rest is not looked at.
    const half = [string('sk-ssh-ed25519@openssh.com'), string(Buffer.alloc(32, 7)), string('ssh:')];
    const count = Buffer.from([0, 0, 0, 1]);
    const body = [
      string('none'),
      string('none'),
      string(''),
      count,
      string(Buffer.concat(half)),
      string('rest'),
    ];
    const text = Buffer.concat([Buffer.from('openssh-key-v1\0'), ...body]).toString('base64');
    writeFileSync(
      path('fido'),
      `-----BEGIN OPENSSH PRIVATE KEY-----\n${text.replace(/.{70}/g, '$&\n')}\n-----END OPENSSH PRIVATE KEY-----\n`,
    );
    const error = await refusal(withKey('fido'));
    expect(error.message).toContain('lives in a security device (FIDO)');
    expect(error.message).toContain('--transport openssh');
  });

  test('an agent that is not there is a note, not an end', async () => {
    const env = {SSH_AUTH_SOCK: path('no-agent')};
    expect(await hello(go({env, flags: {identity: [path('ed25519')]}}))).toBe('hello from root');
    expect((await refusal(go({env}))).message).toContain(
      `The ssh agent at ${path('no-agent')} does not answer`,
    );
  });

  test('a server that takes no keys', async () => {
    const words = await startSshd({PubkeyAuthentication: 'no', PasswordAuthentication: 'yes'});
    const flags = {'known-hosts': knownHosts(words.directory, words.known), identity: [path('ed25519')]};
    const error = await refusal(dialNode(target(words), {flags}));
    expect(error.final).toBe(true);
    expect(error.message).toContain('takes no keys for root, only password');
    await words.stop();
  });

  test('a server that wants a second proof', async () => {
    const strict = await startSshd({
      AuthenticationMethods: 'publickey,password',
      PasswordAuthentication: 'yes',
    });
    strict.authorize(readFileSync(`${path('ed25519')}.pub`, 'utf8').trim());
    const flags = {'known-hosts': knownHosts(strict.directory, strict.known), identity: [path('ed25519')]};
    const error = await refusal(dialNode(target(strict), {flags}));
    expect(error.message).toContain('took a key for root but wants a second proof (password)');
    await strict.stop();
  });

  // Whoever logs in, the command must come up as a POSIX shell, whatever the login shell's language.
  const shells = ['/bin/sh', '/bin/dash', '/bin/bash', '/usr/bin/fish', '/bin/csh', '/bin/tcsh', '/bin/zsh'];
  test.each(shells.filter(existsSync))('an ordinary user whose login shell is %s', async shell => {
    const own = await startSshd({}, {users: [['hopuser', shell]]});
    own.authorize(readFileSync(`${path('ed25519')}.pub`, 'utf8').trim());
    const flags = {'known-hosts': knownHosts(own.directory, own.known), identity: [path('ed25519')]};
    const here = await dialNode(target(own, 'hopuser'), {flags});
    expect(await say(here, 'echo $(id -un) $((1 + 2))')).toMatch(/^(hopuser|64000) 3$/);
    here.end();
    await here.gone;
    await own.stop();
  });

  test('a login shell that runs nothing', async () => {
    const own = await startSshd({}, {users: [['hopuser', '/usr/sbin/nologin']]});
    own.authorize(readFileSync(`${path('ed25519')}.pub`, 'utf8').trim());
    const flags = {'known-hosts': knownHosts(own.directory, own.known), identity: [path('ed25519')]};
    const shell = await dialNode(target(own, 'hopuser'), {flags});
    shell.stdout.resume();
    shell.stderr.resume();
    expect(await shell.gone).toContain(`The shell of hopuser on n (127.0.0.1:${own.port}) ended (exit 1)`);
    await own.stop();
  });
});
