/** Nodes that are not as they should be, over real SSH: a clock that is off. */
import {globSync} from 'node:fs';
import {describe, expect, test} from 'vitest';
import {topologies} from '../../demo/lab/topologies.ts';
import {lab, onNode} from './harness.ts';
import {ask, hoptop, labsFor, nameOf, runs, until} from './walk.ts';

const FILE = 'odd';
const topology = topologies.find(each => each.name === 'host-gw')!;
labsFor(FILE, [topology.name]);
const name = nameOf(FILE, topology.name);

type Gap = {node: string; fact: string; reason: string};
type Overview = {gaps: Gap[]; nodes: {name: string; clock?: {low: number; high: number; text?: string}}[]};
type Sockets = {sockets: {node: string; state: string; pid?: number}[]};
type Mesh = {flows: {from: {node: string}; to: {node: string}; grade: string}[]};
type Process = {process: {start: string; age: number}};

/** A shell script for every session on a node, before anything else: what sshd gives them for an environment. */
const withEnvironment = async (node: string, text: string) => {
  onNode(name, node, `echo 'SetEnv ${text}' >>/etc/ssh/sshd_config`);
  expect(lab('sshd', node, 'stop', '--name', name).status).toBe(0);
  expect(lab('sshd', node, 'start', '--name', name).status).toBe(0);
  await until(10, async () => expect((await hoptop(name, ['overview'])).status).toBe(0));
};

describe.runIf(runs)('odd nodes', {timeout: 60_000}, () => {
  // All programs of its sessions are told a time that is off, by faketime(1)'s library. Kernel and boot time are not.
  test('a clock that is off is said with how much, and nothing that is joined or counted follows it', async () => {
    const [library] = globSync('/usr/lib/*/faketime/libfaketime.so.1');
    expect(library, 'the Debian package libfaketime').toBeDefined();
    await withEnvironment('cp-1', `LD_PRELOAD=${library} FAKETIME=-3725`);
    const {nodes, gaps} = await ask<Overview>(name, ['overview']);
    const clock = nodes.find(node => node.name === 'cp-1')!.clock!;
    expect(clock.low).toBeLessThanOrEqual(-3724);
    expect(clock.high).toBeGreaterThanOrEqual(-3726);
    expect(clock.text).toMatch(/^1 h 02 min behind$/);
    expect(gaps.filter(gap => gap.fact === 'clock').map(gap => gap.reason)).toEqual([
      expect.stringMatching(/^cp-1's clock is 1 h 02 min behind of this machine's/),
    ]);
    for (const node of nodes)
      if (node.name !== 'cp-1') {
        expect(node.clock!.text).toBeUndefined();
        expect(node.clock!.low).toBeLessThan(1);
        expect(node.clock!.high).toBeGreaterThan(-1);
      }
    const {out} = await hoptop(name, ['overview']);
    expect(out).toMatch(/^NAME .* CLOCK /m);
    expect(out).toMatch(/^cp-1 .* 1 h 02 min behind /m);
    // Connections between it and the others are joined all the same, and both ends are of one moment.
    const {flows} = await ask<Mesh>(name, ['mesh', '4240']);
    expect(
      flows.filter(({from, to}) => (from.node === 'cp-1') !== (to.node === 'cp-1')).length,
    ).toBeGreaterThan(3);
    for (const flow of flows) expect(flow.grade).toBe('proven');
    // How long a process runs is counted by the node's own uptime.
    const {process} = await ask<Process>(name, ['process', 'cp-1:1']);
    const uptime = Number(onNode(name, 'cp-1', 'cut -d. -f1 /proc/uptime').trim());
    expect(process.age).toBeGreaterThan(0);
    expect(process.age).toBeLessThanOrEqual(uptime);
    // A library that is loaded before all others holds files: sockets are read nevertheless.
    const {sockets} = await ask<Sockets>(name, ['sockets', 'cp-1']);
    expect(sockets.filter(socket => socket.node === 'cp-1' && socket.pid !== undefined)).not.toEqual([]);
    expect(gaps.filter(gap => gap.fact === 'sockets')).toEqual([]);
  });
});
