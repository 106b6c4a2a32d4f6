/** What the walks share: labs of a test file's own, hoptop built apart and run against them, and what is true in them. */
import {spawnSync} from 'node:child_process';
import {copyFileSync, mkdirSync, mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join, resolve} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {afterAll, beforeAll, expect, test} from 'vitest';
import {whatIsMissing} from '../../demo/lab/need.ts';
import type {LabStatus} from '../../demo/lab/status.ts';
import {lab, labStarts, type Socket, sockets, starts} from './harness.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const missing = await whatIsMissing();

/** Whether labs can be made here; what is missing was printed. */
export const runs = missing.length === 0;

/** A lab's name, unique among test files and runs. */
export const nameOf = (file: string, topology: string) =>
  `walk-${process.pid}-${file}-${topology.slice(0, 4)}`;

let folder = '';

/** A folder of this test file's own, which is taken away at its end. */
export const scratch = (name: string) => join(folder, name);

/**
 * Makes one lab of each topology before the tests of this file, and hoptop's program apart from `dist/`, which other
 * tests may build anew meanwhile. All is taken away afterwards.
 */
export const labsFor = (file: string, topologies: readonly string[]) => {
  if (!runs) console.warn(`\n*** LAB WALK TESTS SKIPPED ***\n${missing.join('\n')}\n`);

  if (process.env['CI'])
    test('in CI the lab can be made: a skip is a failure', () => {
      expect(missing).toEqual([]);
    });

  beforeAll(async () => {
    if (!runs) return;
    folder = mkdtempSync(join(tmpdir(), 'hoptop-walk-'));
    mkdirSync(join(folder, 'source'));
    copyFileSync(join(ROOT, 'source/launcher.cjs'), join(folder, 'source/launcher.cjs'));
    const built = spawnSync(process.execPath, ['source/build.ts', join(folder, 'dist')], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    expect(built.stderr).toBe('');
    await Promise.all(
      topologies.map(async topology => {
        const {heard, ended} = labStarts('up', topology, '--name', nameOf(file, topology));
        expect(await ended, heard.err).toBe(0);
      }),
    );
  }, 120_000);

  afterAll(() => {
    if (!runs) return;
    for (const topology of topologies) lab('down', '--name', nameOf(file, topology));
    rmSync(folder, {recursive: true, force: true});
  }, 60_000);
};

/** What differs from the line that `lab up` prints. */
export type Differently = {inventory?: string; knownHosts?: string; source?: readonly string[]};

/** The words that run hoptop on a lab, in its fabric namespace. */
export const hoptopArgv = (name: string, words: readonly string[], differently: Differently = {}) => {
  const {inventory = `/run/hoptop-lab/${name}/inventory.yaml`} = differently;
  const {knownHosts = `/run/hoptop-lab/${name}/known_hosts`} = differently;
  const ssh = ['-F', 'none', '-i', `/run/hoptop-lab/${name}/id_ed25519`, '--known-hosts', knownHosts];
  return [
    ...['ip', 'netns', 'exec', `${name}-fabric`, process.execPath, scratch('source/launcher.cjs'), ...words],
    ...(differently.source ?? ['--inventory', inventory, ...ssh]),
  ];
};

export type Said = {status: number | null; out: string; err: string};

/** Runs hoptop on a lab to its end; a minute at most. */
export const hoptop = async (
  name: string,
  words: readonly string[],
  differently: Differently = {},
): Promise<Said> => {
  const [command, ...rest] = hoptopArgv(name, words, differently) as [string, ...string[]];
  const {child, heard, ended} = starts(command, ...rest);
  const bound = setTimeout(() => child.kill('SIGKILL'), 60_000);
  const status = await ended;
  clearTimeout(bound);
  return {status, ...heard};
};

/** A question's answer; fails unless all nodes were read. */
export const ask = async <Answer>(
  name: string,
  words: readonly string[],
  differently: Differently = {},
): Promise<Answer> => {
  const {status, out, err} = await hoptop(name, [...words, '-o', 'json'], differently);
  expect(status, err).toBe(0);
  return JSON.parse(out) as Answer;
};

/** Tries until the attempt passes. */
export const until = async <T>(seconds: number, attempt: () => Promise<T> | T): Promise<T> => {
  for (const end = Date.now() + seconds * 1000; ; ) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > end) throw error;
    }
    await sleep(300);
  }
};

/** A command's output in the network namespace of a process of this machine. */
export const inNetns = (pid: number, ...command: string[]): string => {
  const done = spawnSync('nsenter', ['-t', String(pid), '-n', ...command], {encoding: 'utf8'});
  if (done.status !== 0) throw new Error(`${command.join(' ')} in ${pid}: ${done.stderr}`);
  return done.stdout;
};

/** A network namespace of a lab: the node's own, or a pod's; `pid` is a process in it, as this machine counts. */
export type Place = {node: string; pod?: string; pid: number};

/** Every network namespace of a lab. */
export const placesOf = (status: LabStatus): Place[] => [
  ...status.nodes.map(({name, pid}) => ({node: name, pid})),
  ...status.pods
    .filter(pod => !pod.hostNetwork)
    .map(pod => ({
      node: pod.node,
      pod: `${pod.namespace}/${pod.name}`,
      pid: pod.containers[0]!.pids[0]!,
    })),
];

/** The places of one node: its own first. */
export const placesOn = (status: LabStatus, node: string) =>
  placesOf(status).filter(place => place.node === node);

export type Held = Socket & Place;

/** Every established TCP socket of a lab, by the machine's own `ss` in every namespace. */
export const establishedIn = (status: LabStatus): Held[] =>
  placesOf(status).flatMap(place =>
    sockets(inNetns(place.pid, 'ss', '-tanH'))
      .filter(socket => socket.state === 'ESTAB')
      .map(socket => ({...socket, ...place})),
  );

/** A connection that a node translates: what its client sees, and what its server sees, each `local remote`. */
export type Translated = {node: string; client: string; server: string};

/** Every TCP connection that a node's rules send elsewhere than its client called, by the node's own `conntrack`. */
export const translatedIn = (status: LabStatus): Translated[] =>
  status.nodes.flatMap(({name, pid}) => {
    const rows = inNetns(pid, 'conntrack', '-L', '-p', 'tcp', '--state', 'ESTABLISHED').split('\n');
    return rows.flatMap(row => {
      const fields = [...row.matchAll(/\b(src|dst|sport|dport)=(\S+)/g)].map(found => found[2]!);
      if (fields.length < 8) return [];
      const [src, dst, sport, dport, backend, back, backendPort, backPort] = fields as string[];
      if (`${dst}:${dport}` === `${backend}:${backendPort}`) return [];
      return [
        {
          node: name,
          client: `${src}:${sport} ${dst}:${dport}`,
          server: `${backend}:${backendPort} ${back}:${backPort}`,
        },
      ];
    });
  });
