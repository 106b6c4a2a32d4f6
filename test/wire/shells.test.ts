/** The text fed to a node, under every shell a node may have, and under every privilege. */
import {spawnSync} from 'node:child_process';
import {chmodSync, mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, afterEach, describe, expect, test} from 'vitest';
import {localDial} from '../../source/wire/local.ts';
import {createRemoteSource, type RemoteSource} from '../../source/wire/remote.ts';
import type {NodeEvent} from '../../source/wire/source.ts';
import {describeSource, reader, said, sweep} from './contract.ts';
import {canMakeNamespaces, makeNamespaces} from './namespaces.ts';
import {createPrograms} from './programs.ts';
import {untilEmpty} from './sessions.ts';

const programs = createPrograms();
afterAll(programs.remove);

const has = (tool: string) => spawnSync('sh', ['-c', `command -v ${tool}`]).status === 0;
const able = canMakeNamespaces();
const strict = Boolean(process.env['CI']);
/** Skipped, loudly; in CI it runs, and fails. */
const needing = (met: boolean, what: string) => {
  if (!met) console.warn(`SKIPPED: ${what}`);
  return test.skipIf(!met && !strict);
};

const open: RemoteSource[] = [];
const sessions: number[] = [];
afterEach(async () => {
  for (const source of open.splice(0)) await source.close();
  for (const session of sessions.splice(0)) await untilEmpty(session);
});

function through(program: string): RemoteSource {
  const source = createRemoteSource({
    nodes: ['here'],
    dial: localDial(program, session => sessions.push(session)),
  });
  open.push(source);
  return source;
}

async function reached(source: RemoteSource): Promise<NodeEvent> {
  for await (const event of source.events(new AbortController().signal)) {
    if (event.state === 'ready' || event.state === 'lost') return event;
  }
  throw new Error('no events');
}

const hello = {
  node: 'here',
  reader: reader('hello', 'echo "it\'s me!"; echo "$(id -u)"'),
  scope: 'node',
} as const;

describe('the command given to the login shell', () => {
  for (const login of ['sh', 'dash', 'bash', 'busybox', 'zsh', 'fish', 'tcsh', 'csh', 'ksh', 'mksh']) {
    needing(has(login), `the login shell ${login} is not installed`)(`starts under ${login}`, async () => {
      const way =
        login === 'busybox' ? 'exec busybox sh -c "$login_command"' : `exec ${login} -c "$login_command"`;
      const {one} = await sweep(through(programs.program(way)), [hello]);
      expect(said(one('hello'))).toContain("it's me!\n");
    });
  }

  test('a login shell that prints and complains first is heard out', async () => {
    const noisy = programs.program(
      `echo "Welcome!"; echo "stty: no terminal" >&2; exec sh -c "$login_command"`,
    );
    const {one} = await sweep(through(noisy), [hello]);
    expect(said(one('hello'))).toMatch(/^it's me!\n\d+\n$/);
    expect(one('hello').err).toBe('');
  });

  test('an account without a shell: what it said is the cause', async () => {
    const event = await reached(
      through(programs.program('echo "This account is\t\\033[1mnot available"; exit 1')),
    );
    expect(event).toMatchObject({state: 'lost'});
    expect(event.cause).toContain('This account is');
    expect(event.cause).toContain('not available');
    expect(event.cause).not.toMatch(/[\u0000-\u001f]/);
  });
});

/** The whole contract where `sh` and the tools are others than this machine's. */
const others: Record<string, {met: boolean; way: () => string}> = {
  'bash --posix as sh': {
    met: able && has('bash'),
    way: () => `exec bash -c "exec bash --posix \${login_command#exec sh}"`,
  },
  'busybox alone': {
    met: able && has('busybox'),
    way() {
      const root = join(programs.folder, 'busybox-root');
      mkdirSync(root, {recursive: true});
      const where = `"${root}"`;
      return `exec unshare -m sh -c 'mount -t tmpfs none ${where} && cd ${where} && mkdir -p bin proc run dev etc &&
        cp "$(command -v busybox)" bin/busybox && for a in $(bin/busybox --list); do ln -s busybox bin/$a; done
        mount --rbind /proc proc && mount --rbind /run run && mount --rbind /dev dev &&
        exec chroot . /bin/sh -c "$login_command"'`;
    },
  },
};
for (const [name, {met, way}] of Object.entries(others)) {
  if (!met) {
    needing(false, `${name}: needs root and that shell`)(name, () => expect(met).toBe(true));
    continue;
  }
  describeSource(name, async () => {
    const namespaces = await makeNamespaces();
    const source = through(programs.program(way()));
    return {
      source,
      node: 'here',
      netns: [namespaces.own, namespaces.held, namespaces.named],
      cut: () => void process.kill(sessions.at(-1)!, 'SIGKILL'),
      done: async () => {
        await source.close();
        await namespaces.remove();
      },
    };
  });
}

const asNobody = 'exec setpriv --reuid=65534 --regid=65534 --clear-groups sh -c "$login_command"';

describe('privilege', () => {
  needing(able, 'other users need root')(
    'without sudo it stays an ordinary user, and says which',
    async () => {
      const source = through(programs.program(`cd /; ${asNobody}`));
      expect(await reached(source)).toMatchObject({state: 'ready', uid: 65534});
      const namespaces = await makeNamespaces();
      try {
        const where = reader('where', 'stat -L -c %i /proc/self/ns/net', {scope: 'each-netns'});
        const {replies, one} = await sweep(source, [
          {node: 'here', reader: where, scope: 'each-netns'},
          hello,
        ]);
        const [own, ...others] = replies.filter(({fact}) => fact === 'where');
        expect([own!.netns, said(own!).trim()]).toEqual([namespaces.own, namespaces.own]);
        // That of another's process is known of, by a file in it, and may not be entered.
        expect(others.length).toBeGreaterThan(0);
        for (const other of others) {
          expect(other.exit).not.toBe(0);
          expect(other.err).toMatch(/not permitted|Permission denied/);
        }
        expect(said(one('hello'))).toContain('65534');
      } finally {
        await namespaces.remove();
      }
    },
  );

  needing(able && has('sudo'), 'sudo needs root to set up')('with sudo -n it reads as root', async () => {
    const rules = join(programs.folder, 'sudoers');
    writeFileSync(rules, 'root ALL=(ALL:ALL) ALL\n#65534 ALL=(ALL:ALL) NOPASSWD: ALL\n');
    chmodSync(rules, 0o440);
    const source = through(
      programs.program(
        `exec unshare -m sh -c 'mount --bind "${rules}" /etc/sudoers && cd / && ${asNobody.replaceAll("'", '')}'`,
      ),
    );
    expect(await reached(source)).toMatchObject({state: 'ready', uid: 0});
    const {one} = await sweep(source, [hello]);
    expect(said(one('hello'))).toBe("it's me!\n0\n");
  });
});

describe('a node without timeout', () => {
  needing(able, 'hiding a tool needs root')('is read all the same, and said to be unbounded', async () => {
    const source = through(
      programs.program(
        `exec unshare -m sh -c 'mount --bind /dev/null "$(command -v timeout)" && exec sh -c "$login_command"'`,
      ),
    );
    expect((await reached(source)).note).toContain('`timeout`');
    const {one} = await sweep(source, [hello]);
    expect(said(one('hello'))).toContain("it's me!\n");
  });
});
