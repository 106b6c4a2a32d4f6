import fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {arraysOf} from '../../source/facts/elements.ts';
import {parseIfconfig} from '../../source/facts/ifconfig.ts';
import {parseNodeTable} from '../../source/facts/kube/nodes.ts';
import {parseLinks} from '../../source/facts/links.ts';
import {parsePs} from '../../source/facts/ps.ts';
import {bytes, captured, fixture, textAt} from './samples.ts';

test('kubectl get nodes -o wide', () => {
  const out = fixture('seed/get-nodes-wide.txt');
  const {rows, problems} = parseNodeTable(out);
  expect(problems).toEqual([]);
  expect(rows).toHaveLength(3);
  expect(rows[0]).toMatchObject({
    name: 'k8s-01',
    status: 'Ready',
    roles: 'control-plane',
    version: 'v1.28.2',
    addresses: ['192.168.0.67'],
    os: 'Ubuntu 20.04.6 LTS',
    kernel: '5.15.0-1053-aws',
    runtime: 'containerd://1.6.28',
  });
  expect(rows[1]).not.toHaveProperty('roles');
  expect(textAt(out, rows[2]!)).toMatch(/^k8s-03 .*1\.6\.28$/);
});

test('ps -eaf', () => {
  const {rows, problems} = parsePs(fixture('seed/ps-eaf-2029.txt'));
  expect(problems).toEqual([]);
  expect(rows.map(({pid, ppid, user, start, name}) => ({pid, ppid, user, start, name}))).toEqual([
    {pid: 2029, ppid: 1386, user: 'root', start: 'Feb09', name: 'cilium-agent'},
    {pid: 2277, ppid: 2029, user: 'root', start: 'Feb09', name: 'cilium-health-r'},
  ]);
  expect(rows[1]!.command).toBe(
    'cilium-health-responder --listen 4240 --pidfile /var/run/cilium/state/health-endpoint.pid',
  );
});

describe('ifconfig', () => {
  test('the seed', () => {
    const {links, addresses, problems} = parseIfconfig(fixture('seed/ifconfig.txt'));
    expect(problems).toEqual([]);
    expect(links.map(link => link.name)).toEqual(['cilium_host', 'cilium_net', 'cilium_vxlan']);
    expect(links[0]).toMatchObject({
      mtu: 9001,
      state: 'UP',
      mac: '5e:d2:ca:0a:b7:10',
      txqlen: 1000,
      counters: {rxPackets: 163610, rxBytes: 12654723, txPackets: 680, txBytes: 47376, rxErrors: 0},
    });
    expect(links[0]!.flags).toContain('NOARP');
    expect(addresses[0]).toMatchObject({dev: 'cilium_host', family: 4, address: '10.0.1.76', prefix: 32});
    expect(addresses.filter(row => row.family === 6).map(row => row.scope)).toEqual(['link', 'link', 'link']);
  });

  test('of busybox 1.35: values behind colons', () => {
    const {links, addresses, problems} = parseIfconfig(fixture('busybox/ifconfig.txt'));
    expect(problems).toEqual([]);
    const eth0 = links.find(({name}) => name === 'eth0')!;
    expect(eth0).toMatchObject({mtu: 1400, mac: '02:fc:00:00:00:01', state: 'UP', txqlen: 1000});
    expect(eth0.counters!.rxBytes).toBeGreaterThan(eth0.counters!.rxPackets);
    expect(
      addresses.filter(({dev}) => dev === 'eth0').map(({address, prefix, scope}) => [address, prefix, scope]),
    ).toEqual([
      ['192.0.2.2', 24, 'global'],
      ['fd00::2', 64, 'global'],
      ['fe80::fc:ff:fe00:1', 64, 'link'],
    ]);
    expect(links.find(({name}) => name === 'lo')).toMatchObject({kind: 'loopback'});
  });

  test.each(['atlas', 'borea', 'cairn'])('%s: the same interfaces as ip shows', node => {
    const {links, problems} = parseIfconfig(captured(`three-node/${node}/ifconfig.txt`));
    expect(problems).toEqual([]);
    const byIp = parseLinks(arraysOf(captured(`three-node/${node}/ip-link.json`)).arrays[0]!.elements).rows;
    const key = (link: {name: string; mtu: number; mac?: string}) => [link.name, link.mtu, link.mac];
    const sorted = (rows: readonly {name: string; mtu: number; mac?: string}[]) =>
      rows.map(key).sort((a, b) => String(a[0]).localeCompare(String(b[0])));
    expect(sorted(links)).toEqual(sorted(byIp));
  });
});

test('any bytes in, nothing thrown; garbage is a problem', () => {
  for (const parse of [parseIfconfig, parseNodeTable, parsePs]) {
    fc.assert(
      fc.property(fc.uint8Array({maxLength: 300}), out => {
        parse(out);
      }),
      {numRuns: 200},
    );
    expect(parse(bytes('this is not it\n')).problems).toHaveLength(1);
  }
});
