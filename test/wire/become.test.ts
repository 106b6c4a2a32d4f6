/** Becoming root by real sudo and doas, with and without a password, and what is said where that fails. */
import {spawnSync} from 'node:child_process';
import {chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, afterEach, beforeAll, describe, expect, test} from 'vitest';
import {IDENTITY} from '../../source/facts/identity.ts';
import {refusals} from '../../source/facts/rights.ts';
import {type Become, createBecome, type How} from '../../source/wire/become.ts';
import {localDial} from '../../source/wire/local.ts';
import type {Prompt} from '../../source/wire/prompt.ts';
import {createPrompter, headless} from '../../source/wire/prompter.ts';
import {createRemoteSource, type RemoteSource} from '../../source/wire/remote.ts';
import type {NodeEvent} from '../../source/wire/source.ts';
import {sweep} from './contract.ts';
import {canMakeNamespaces} from './namespaces.ts';
import {createPrograms} from './programs.ts';
import {untilEmpty} from './sessions.ts';

const USER = 'hopvisitor';
const PASSWORD = `correct 'horse" $(id) \\ %p`;

/** crypt(3) of it, by `openssl passwd -6 -salt hoptop`. */
const HASH =
  '$6$hoptop$mHCRr8hToosd3F6sVcu46xQggwhzmH0ShCJQE9VHna7grfElqEebk0hVWG81hmtj0boh8bSOAIl90/ZgG.1wm0';

const able =
  canMakeNamespaces() && ['sudo', 'doas', 'setpriv'].every(tool => spawnSync('which', [tool]).status === 0);
if (!able) console.warn('SKIPPED: becoming root needs root, sudo and opendoas to set up.');
if (process.env['CI'])
  test('in CI sudo and doas are tried: a skip is a failure', () => expect(able).toBe(true));

const programs = createPrograms();
let folder = '';
const open: RemoteSource[] = [];
const sessions: number[] = [];

beforeAll(() => {
  if (!able) return;
  folder = mkdtempSync(join(tmpdir(), 'hoptop-become-'));
  chmodSync(folder, 0o755);
  const put = (name: string, text: string) => writeFileSync(join(folder, name), text, {mode: 0o644});
  put('passwd', `${readFileSync('/etc/passwd', 'utf8')}${USER}:x:64010:65534::/tmp:/bin/sh\n`);
  put('shadow', `root:*:1::::::\n${USER}:${HASH}:19000:0:99999:7:::\n`);
});
afterAll(() => {
  programs.remove();
  rmSync(folder, {recursive: true, force: true});
});
afterEach(async () => {
  for (const source of open.splice(0)) await source.close();
  for (const session of sessions.splice(0)) await untilEmpty(session);
});

let made = 0;
const fileOf = (text: string, mode: number) => {
  made += 1;
  const path = join(folder, `file-${made}`);
  writeFileSync(path, text, {mode});
  return path;
};

/** What is installed on the node: without a text there is no such program. */
type Node = {readonly sudoers?: string; readonly doas?: string};

/** An ordinary user's login on a node, in a mount namespace of its own, where nothing that sudo keeps stays. */
function login({sudoers, doas}: Node): string {
  const mounts = [
    `mount --bind ${join(folder, 'passwd')} /etc/passwd`,
    `mount --bind ${join(folder, 'shadow')} /etc/shadow`,
    'mount -t tmpfs none /var/lib/sudo',
    'mount -t tmpfs none /run/sudo',
    sudoers === undefined
      ? 'mount --bind /dev/null $(command -v sudo)'
      : `mount --bind ${fileOf(sudoers, 0o440)} /etc/sudoers`,
    ...(doas === undefined
      ? ['mount --bind /dev/null $(command -v doas)']
      : [
          // The machine has no doas.conf that another could be laid over.
          'mkdir -p /run/sudo/etc && cp -a /etc/. /run/sudo/etc',
          `cp ${fileOf(doas, 0o600)} /run/sudo/etc/doas.conf`,
          ...['passwd', 'shadow', 'sudoers'].map(
            name => `[ -e /etc/${name} ] && cp -p /etc/${name} /run/sudo/etc/${name}`,
          ),
          'umount /etc/passwd /etc/shadow; umount /etc/sudoers 2>/dev/null',
          'mount --bind /run/sudo/etc /etc',
        ]),
  ].join('; ');
  return programs.program(
    `mkdir -p /var/lib/sudo /run/sudo; exec unshare -m sh -c '${mounts}; cd /; exec setpriv --reuid=64010 --regid=65534 --clear-groups sh -c "$login_command"'`,
  );
}

/** Answers sudo's questions from a list: a text, or nothing to decline. */
function person(how: How, ...answers: readonly (string | undefined)[]) {
  const prompter = createPrompter();
  const asked: Prompt[] = [];
  const left = [...answers];
  prompter.prompts(prompt => {
    if (!prompt) return;
    asked.push(prompt);
    const text = left.shift();
    setImmediate(() => prompter.answer(prompt.id, text === undefined ? 'cancel' : 'once', text ?? ''));
  });
  return {become: createBecome(how, prompter), asked};
}

function through(program: string, become: Become): {source: RemoteSource; events: NodeEvent[]} {
  const source = createRemoteSource({
    nodes: ['w1'],
    dial: localDial(program, session => sessions.push(session)),
    become,
  });
  open.push(source);
  return {source, events: []};
}

/** Reads who one is there, with every event on the way, and every command line of this machine meanwhile. */
async function whoIs(program: string, become: Become) {
  const {source, events} = through(program, become);
  const stop = new AbortController();
  const listening = (async () => {
    for await (const event of source.events(stop.signal)) events.push(event);
  })();
  const {one} = await sweep(source, [{node: 'w1', reader: IDENTITY.reader, scope: 'node'}]);
  const reply = one('identity');
  const {node} = IDENTITY.contribute(reply, {
    node: 'w1',
    sweep: 0,
    at: '',
    uptime: 0,
    netns: new Map(),
    gaps: [],
  });
  stop.abort();
  await listening;
  const {uid, rights: found} = node!.identity!.value;
  const {span, ...rights} = found!;
  // The lines that tell it, and no others.
  const told = new TextDecoder().decode(reply.out.subarray(span.from, span.to));
  expect(told.split('\n').map(line => line.split('=')[0])).toEqual(['uid', 'user', 'by', 'sudo', 'doas']);
  return {uid, rights, said: refusals(rights), events, text: new TextDecoder().decode(reply.out)};
}

const nobody = (how: How = 'auto') => createBecome(how, headless);
const withPassword = `root ALL=(ALL:ALL) ALL\n${USER} ALL=(root) /bin/sh\n`;

describe.runIf(able)('an ordinary user', {timeout: 30_000}, () => {
  test('with sudo and no password', async () => {
    const found = await whoIs(login({sudoers: `${USER} ALL=(root) NOPASSWD: /bin/sh\n`}), nobody());
    expect(found).toMatchObject({uid: 0, rights: {means: 'sudo', user: USER}, said: []});
  });

  test('with doas and no password, where sudo refuses or is not there', async () => {
    const doas = `permit nopass ${USER} as root cmd sh\n`;
    for (const node of [{doas}, {doas, sudoers: withPassword}])
      expect(await whoIs(login(node), nobody())).toMatchObject({
        uid: 0,
        rights: {means: 'doas', user: USER},
        said: [],
      });
  });

  test('what is not wanted is not tried', async () => {
    const node = {sudoers: `${USER} ALL=(root) NOPASSWD: ALL\n`, doas: `permit nopass ${USER}\n`};
    const by = async (how: How) => (await whoIs(login(node), nobody(how))).rights;
    expect(await by('auto')).toEqual({means: 'sudo', user: USER});
    expect(await by('sudo')).toEqual({means: 'sudo', user: USER});
    expect(await by('doas')).toEqual({means: 'doas', user: USER});
    expect(await by('none')).toEqual({means: 'none', user: USER});
  });

  test('nobody is there to be asked: at once an ordinary user, and said why', async () => {
    const found = await whoIs(login({sudoers: withPassword}), nobody());
    expect(found.uid).toBe(64010);
    expect(found.rights).toEqual({
      means: 'none',
      user: USER,
      sudo: 'sudo: a password is required',
      doas: 'missing',
    });
    expect(found.said).toEqual([
      'sudo wants a password there, which the UI asks for (a command that prints cannot)',
      'doas is not installed there',
    ]);
  });

  test.each<[string, Node, string[]]>([
    ['none of them installed', {}, ['sudo is not installed there', 'doas is not installed there']],
    [
      'requiretty',
      {sudoers: `Defaults requiretty\n${USER} ALL=(root) NOPASSWD: ALL\n`},
      [
        'sudo wants a terminal there (`requiretty`), which hoptop never opens: add `Defaults:USER !requiretty`',
        'doas is not installed there',
      ],
    ],
    [
      'sudo for something else only',
      {sudoers: `${USER} ALL=(root) NOPASSWD: /usr/bin/id\n`},
      [
        'sudo wants a password there, which the UI asks for (a command that prints cannot)',
        'doas is not installed there',
      ],
    ],
    [
      'doas with a password',
      {doas: `permit ${USER}\n`},
      [
        'sudo is not installed there',
        'doas wants a password there, which it takes from a terminal only: add `nopass`',
      ],
    ],
    [
      'doas for something else only',
      {doas: `permit nopass ${USER} cmd ls\n`},
      ['sudo is not installed there', 'doas.conf does not allow that user to run sh as root'],
    ],
  ])('%s', async (_, node, said) => {
    const found = await whoIs(login(node), nobody());
    expect(found).toMatchObject({uid: 64010, rights: {means: 'none'}, said});
  });
});

describe.runIf(able)('the password of sudo', {timeout: 60_000}, () => {
  test('is asked for once, masked, and lets in; the node says what it waits for', async () => {
    const {become, asked} = person('auto', PASSWORD);
    const found = await whoIs(login({sudoers: withPassword}), become);
    expect(found).toMatchObject({uid: 0, rights: {means: 'sudo-password', user: USER}});
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatchObject({
      title: 'Password for sudo on w1?',
      input: {label: 'Password:', masked: true},
    });
    expect(found.events.map(({step}) => step)).toContain('waiting for the password of sudo');
    expect(JSON.stringify([found.events, found.text])).not.toContain('horse');
  });

  test('a lecture before the prompt is no answer', async () => {
    const sudoers = `Defaults lecture=always\n${withPassword}`;
    const {become, asked} = person('sudo', PASSWORD);
    expect(await whoIs(login({sudoers}), become)).toMatchObject({uid: 0});
    expect(asked).toHaveLength(1);
  });

  test('wrong, then right', async () => {
    const {become, asked} = person('auto', 'battery', PASSWORD);
    expect(await whoIs(login({sudoers: withPassword}), become)).toMatchObject({uid: 0});
    expect(asked[1]!.lines).toContain('What was given before was not accepted.');
  });

  test('three times wrong: an ordinary user, told so, and not asked again', async () => {
    for (const sudoers of [withPassword, `Defaults passwd_tries=5\n${withPassword}`]) {
      const {become, asked} = person('auto', 'a', 'b', 'c', 'd');
      const found = await whoIs(login({sudoers}), become);
      expect(asked).toHaveLength(3);
      expect(found).toMatchObject({uid: 64010, rights: {means: 'none'}});
      expect(found.events.map(({state}) => state)).not.toContain('lost');
      if (sudoers === withPassword)
        expect(found.said[0]).toBe('sudo did not take the password (sudo: 3 incorrect password attempts)');
      expect(become.mayAsk('w1')).toBe(false);
    }
  });

  test('declined, or left empty: an ordinary user at once', async () => {
    for (const answer of [undefined, '']) {
      const {become, asked} = person('auto', answer);
      const found = await whoIs(login({sudoers: withPassword}), become);
      expect(asked).toHaveLength(1);
      expect(found).toMatchObject({uid: 64010, rights: {means: 'none'}});
      expect(found.events.map(({state}) => state)).not.toContain('lost');
    }
  });

  test('the right one of a user who may not: what sudo says', async () => {
    const {become, asked} = person('auto', PASSWORD);
    const found = await whoIs(login({sudoers: 'root ALL=(ALL:ALL) ALL\n'}), become);
    expect(asked).toHaveLength(1);
    expect(found.uid).toBe(64010);
    expect(found.said[0]).toBe('the sudoers file does not name that user');
  });

  test('is in no command line and in no environment while it is used', async () => {
    const seen: string[] = [];
    const look = setInterval(() => {
      const {stdout} = spawnSync('sh', [
        '-c',
        "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | grep -c 'hors[e]'",
      ]);
      seen.push(stdout.toString().trim());
    }, 20);
    const {become} = person('auto', PASSWORD);
    const found = await whoIs(login({sudoers: withPassword}), become);
    clearInterval(look);
    expect(found.uid).toBe(0);
    expect(new Set(seen)).toEqual(new Set(['0']));
  });

  test('one for all nodes is asked for once', async () => {
    const prompter = createPrompter();
    let asked = 0;
    prompter.prompts(prompt => {
      if (!prompt) return;
      asked += 1;
      setImmediate(() => prompter.answer(prompt.id, 'all', PASSWORD));
    });
    const nodes = ['w1', 'w2', 'w3'];
    const source = createRemoteSource({
      nodes,
      dial: localDial(login({sudoers: withPassword}), session => sessions.push(session)),
      become: createBecome('auto', prompter),
    });
    open.push(source);
    const uids = new Map<string, number | undefined>();
    const stop = new AbortController();
    for await (const event of source.events(stop.signal)) {
      if (event.state === 'ready') uids.set(event.node, event.uid);
      if (uids.size === nodes.length) stop.abort();
    }
    expect([...uids.values()]).toEqual([0, 0, 0]);
    expect(asked).toBe(1);
  });

  test('a link that ends while sudo waits leaves nothing behind', async () => {
    const prompter = createPrompter();
    const shown = new Promise<void>(resolve => {
      prompter.prompts(prompt => prompt && resolve());
    });
    const source = createRemoteSource({
      nodes: ['w1'],
      dial: localDial(login({sudoers: withPassword}), session => sessions.push(session)),
      become: createBecome('auto', prompter),
    });
    const stop = new AbortController();
    const listening = (async () => {
      for await (const _ of source.events(stop.signal));
    })();
    await shown;
    await source.close();
    stop.abort();
    await listening;
    for (const session of sessions) await untilEmpty(session);
  });
});
