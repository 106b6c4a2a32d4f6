import {spawnSync} from 'node:child_process';
import {mkdtempSync, rmSync, symlinkSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {describe, expect, test} from 'vitest';
import {parseAddresses} from '../../source/facts/addresses.ts';
import {arraysOf} from '../../source/facts/elements.ts';
import {parseForwarding} from '../../source/facts/forwarding.ts';
import {parseLinks} from '../../source/facts/links.ts';
import {MEMBERSHIPS, parseMemberships} from '../../source/facts/memberships.ts';
import {parseNeighbours} from '../../source/facts/neighbours.ts';
import {parseOwners} from '../../source/facts/owners.ts';
import {parseRoutes} from '../../source/facts/routes.ts';
import {parseRules} from '../../source/facts/rules.ts';
import {parseSandboxes, SANDBOXES} from '../../source/facts/sandboxes.ts';
import {bytes, captured, emptySnapshot, reply, textAt} from './samples.ts';

const NODES = ['atlas', 'borea', 'cairn'] as const;
const folder = fileURLToPath(new URL('../fixtures/three-node/', import.meta.url));
const json = (path: string) => {
  const {arrays, problems} = arraysOf(captured(`three-node/${path}`));
  expect(problems).toEqual([]);
  expect(arrays).toHaveLength(1);
  return arrays[0]!.elements;
};

describe.each(NODES)('%s', node => {
  test('every entry of every table is understood', () => {
    const parsed = [
      parseLinks(json(`${node}/ip-link.json`)),
      parseAddresses(json(`${node}/ip-addr.json`)),
      parseRoutes(json(`${node}/ip-route.json`)),
      parseRoutes(json(`${node}/ip-6-route.json`)),
      parseNeighbours(json(`${node}/ip-neigh.json`)),
      parseForwarding(json(`${node}/bridge-fdb.json`)),
      parseRules(json(`${node}/ip-rule.json`), 4),
    ];
    expect(parsed.flatMap(({problems}) => problems)).toEqual([]);
    for (const {rows} of parsed) expect(rows.length).toBeGreaterThan(2);
    const six = parseRoutes(json(`${node}/ip-6-route.json`)).rows;
    expect(six.every(route => route.family === 6)).toBe(true);
  });

  test('the pod and the node see one veth from both sides', () => {
    const inside = parseLinks(json(`${node}/pod-ip-addr.json`)).rows.find(row => row.name === 'eth0')!;
    const outside = parseLinks(json(`${node}/ip-link.json`)).rows.filter(
      row => row.ifindex === inside.peerIndex && row.peerIndex === inside.ifindex,
    );
    expect(outside).toHaveLength(1);
    expect(outside[0]).toMatchObject({kind: 'veth', master: 'cni0'});
  });

  test('the overlay: flannel.1 knows each peer by route, neighbour and forwarding entry', () => {
    const vxlan = parseLinks(json(`${node}/ip-link.json`)).rows.find(row => row.vxlan)!;
    expect(vxlan).toMatchObject({name: 'flannel.1', vxlan: {id: 1, port: 8472, learning: false}});
    const routes = parseRoutes(json(`${node}/ip-route.json`)).rows;
    const peers = routes.filter(
      row => row.family === 4 && row.hops[0]?.dev === 'flannel.1' && row.type === 'unicast',
    );
    expect(peers).toHaveLength(2);
    const neighbours = parseNeighbours(json(`${node}/ip-neigh.json`)).rows;
    const entries = parseForwarding(json(`${node}/bridge-fdb.json`)).rows;
    for (const {hops} of peers) {
      const {mac} = neighbours.find(row => row.dev === 'flannel.1' && row.dst === hops[0]!.via)!;
      expect(entries.find(row => row.dev === 'flannel.1' && row.mac === mac)!.dst).toMatch(/^192\.168\.77\./);
    }
  });

  test("pods get their names from containerd's bundles, and nothing of their environment comes along", () => {
    const here = mkdtempSync(join(tmpdir(), 'hoptop-bundles-'));
    symlinkSync(`${folder}${node}/containerd`, join(here, 'k8s.io'));
    const command = SANDBOXES.reader.command.replaceAll(
      '/run/containerd/io.containerd.runtime.v2.task/k8s.io',
      join(here, 'k8s.io'),
    );
    const {stdout} = spawnSync('sh', ['-c', command]);
    rmSync(here, {recursive: true});
    const out = new Uint8Array(stdout);
    expect(stdout.toString()).not.toMatch(/KUBERNETES_|"env"|PATH=/);
    const {rows, problems} = parseSandboxes(out);
    expect(problems).toEqual([]);
    const pods = new Map(rows.filter(row => row.type === 'sandbox').map(row => [row.id, row]));
    expect(pods.size).toBeGreaterThanOrEqual(2);
    for (const row of rows) {
      expect(row.pid).toBeGreaterThan(1);
      expect(row.uid).toMatch(/^[0-9a-f]{8}-/);
      expect(textAt(out, row)).toContain(row.pod);
      const pod = pods.get(row.sandbox)!;
      expect([row.pod, row.namespace, row.netnsPath]).toEqual([pod.pod, pod.namespace, pod.netnsPath]);
      if (row.type === 'container') expect(row.container).toBeDefined();
    }
    const onHost = rows.filter(row => row.netnsPath === undefined);
    expect(onHost.every(row => row.pod.startsWith('meshd-'))).toBe(true);
    expect(onHost.map(row => row.type).sort()).toEqual(['container', 'sandbox']);

    // Control groups of the same node tell of the same pods: nobody is nameless.
    const lines = new TextDecoder().decode(captured(`three-node/${node}/cgroups.txt`)).split('\n');
    const cpu = bytes(lines.filter(line => /cgroup:\d+:cpu:.*[0-9a-f]{64}/.test(line)).join('\n'));
    const soFar = emptySnapshot({sandboxes: {sweep: 1, at: '', uptime: 1, value: rows}});
    const {node: part, gaps} = MEMBERSHIPS.contribute(reply('memberships', cpu), soFar);
    expect(gaps).toEqual([]);
    const members = part!.memberships!.value;
    expect(new Set(members.map(row => row.container))).toEqual(new Set(rows.map(row => row.id)));
    for (const row of members) expect(rows.find(({id}) => id === row.container)!.uid).toBe(row.uid);
  });

  test('descriptors', () => {
    const {owners, problems} = parseOwners(captured(`three-node/${node}/fd-sockets.txt`));
    expect(problems).toEqual([]);
    expect(owners.count).toBeGreaterThan(50);
  });
});

test('a bundle that is cut off says so', () => {
  const {rows, problems} = parseSandboxes(
    bytes(
      '/run/x/k8s.io/aa/config.json:"io.kubernetes.cri.sandbox-name":"web"\n/run/x/k8s.io/aa/init.pid:7\n',
    ),
  );
  expect(rows).toEqual([]);
  expect(problems).toHaveLength(1);
  expect(parseMemberships(bytes('garbage\n')).problems).toHaveLength(1);
});

test('whatever else of a bundle got into a reply is not written', () => {
  const id = 'f7d7682333166dac4968eb0ebd2303c2e891c12bdd19ec8dbdaa6f4f7da634c4';
  const line = `/run/containerd/io.containerd.runtime.v2.task/k8s.io/${id}/config.json:"io.kubernetes.cri.sandbox-id":"${id}"\n`;
  const leak = `/run/containerd/io.containerd.runtime.v2.task/k8s.io/${id}/config.json:"env":["DB_PASSWORD=hunter2"]\n`;
  expect(new TextDecoder().decode(SANDBOXES.redact(bytes(line + leak)))).toBe(line);
});
