/** Namespaces where nothing moved are not read again: against real namespaces, sockets and counters. */
import {spawn, spawnSync} from 'node:child_process';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {createLocalSource} from '../../source/wire/local.ts';
import type {Read, Reply} from '../../source/wire/source.ts';
import {reader, said, sweep} from './contract.ts';

const able = process.getuid?.() === 0 && spawnSync('ip', ['netns', 'list']).status === 0;
if (!able && process.env['CI'])
  throw new Error('In CI the tests of quiet namespaces need root and iproute2.');
if (!able) console.warn('SKIPPED: quiet namespaces need root and iproute2.');

const NAMES = [`hopq-a${process.pid}`, `hopq-b${process.pid}`];
const inside = (name: string, command: string) => {
  const {status, stderr} = spawnSync('ip', ['netns', 'exec', name, 'sh', '-c', command], {encoding: 'utf8'});
  expect(stderr).toBe('');
  expect(status).toBe(0);
};
/** One datagram to a port nobody has, over loopback. */
const datagram = (name: string) => inside(name, 'exec bash -c "echo x >/dev/udp/127.0.0.1/9"');

describe.skipIf(!able)('a quiet reader', () => {
  const source = createLocalSource({node: 'here'});
  const inodes: string[] = [];
  const holders: ReturnType<typeof spawn>[] = [];
  // What it prints differs at every run, so that a run and what stood before can be told apart.
  const quiet = reader('uuid', 'cat /proc/sys/kernel/random/uuid', {scope: 'each-netns', quiet: true});
  const ask = async (fresh: Read['fresh'] = []) => {
    const {replies} = await sweep(source, [{node: 'here', reader: quiet, scope: 'each-netns', fresh}]);
    return new Map(replies.map((reply): [string, Reply] => [reply.netns!, reply]));
  };
  const at = (replies: ReadonlyMap<string, Reply>, index: number) => replies.get(inodes[index]!)!;

  beforeAll(async () => {
    for (const name of NAMES) {
      spawnSync('ip', ['netns', 'add', name]);
      inside(name, 'ip link set lo up');
      const holder = spawn('ip', ['netns', 'exec', name, 'sleep', '600'], {stdio: 'ignore'});
      holders.push(holder);
      await new Promise(resolve => holder.once('spawn', resolve));
      inodes.push(spawnSync('stat', ['-c', '%i', `/run/netns/${name}`], {encoding: 'utf8'}).stdout.trim());
    }
    // Router solicitations and the like come once when a link is set up.
    await new Promise(resolve => setTimeout(resolve, 2500));
  });
  afterAll(async () => {
    await source.close();
    for (const holder of holders) holder.kill();
    for (const name of NAMES) spawnSync('ip', ['netns', 'del', name]);
  });

  test('reads all at first, and where nothing moved brings again what stood, as of now', async () => {
    const first = await ask();
    const second = await ask();
    for (const index of [0, 1]) {
      expect(at(first, index).same).toBeUndefined();
      expect(at(second, index)).toMatchObject({same: at(first, index).at, exit: 0, ms: 0});
      expect(said(at(second, index))).toBe(said(at(first, index)));
      expect(at(second, index).sweep).toBe(at(first, index).sweep + 1);
      expect(at(second, index).uptime).toBeGreaterThanOrEqual(at(first, index).uptime);
    }
  });

  test('reads where a datagram passed, and only there', async () => {
    await ask();
    datagram(NAMES[0]!);
    const moved = await ask();
    expect(at(moved, 0).same).toBeUndefined();
    expect(at(moved, 1).same).toBeDefined();
  });

  test('reads where a socket came to be, though nothing passed', async () => {
    await ask();
    const listener = spawn('ip', ['netns', 'exec', NAMES[1]!, 'busybox', 'nc', '-l', '-p', '7777'], {
      stdio: 'ignore',
    });
    await new Promise(resolve => setTimeout(resolve, 500));
    const moved = await ask();
    listener.kill();
    expect(at(moved, 1).same).toBeUndefined();
    expect(at(moved, 0).same).toBeDefined();
  });

  test('reads what it is told to read all the same, one or all', async () => {
    await ask();
    const one = await ask([inodes[0]!]);
    expect([at(one, 0).same, at(one, 1).same]).toEqual([undefined, expect.any(String)]);
    const all = await ask('all');
    expect([at(all, 0).same, at(all, 1).same]).toEqual([undefined, undefined]);
  });

  test('asked for some namespaces only, it reads them', async () => {
    await ask();
    const {replies} = await sweep(source, [{node: 'here', reader: quiet, scope: {netns: [inodes[0]!]}}]);
    expect(replies.map(({netns, same}) => ({netns, same}))).toEqual([{netns: inodes[0], same: undefined}]);
  });

  test('a failed read is read again', async () => {
    const flaky = reader('flaky', 'sh -c "exit 3"', {scope: 'each-netns', quiet: true});
    for (let turn = 0; turn < 2; turn++) {
      const {replies} = await sweep(source, [{node: 'here', reader: flaky, scope: 'each-netns'}]);
      const mine = replies.filter(({netns}) => inodes.includes(netns ?? ''));
      expect(mine.map(({exit, same}) => ({exit, same}))).toEqual([
        {exit: 3, same: undefined},
        {exit: 3, same: undefined},
      ]);
    }
  });
});
