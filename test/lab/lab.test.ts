/**
 * The lab on this machine: two topologies side by side, their traffic, what can be broken, and that nothing stays. What
 * the other topologies add is in topologies.test.ts.
 */
import {createHash} from 'node:crypto';
import {existsSync} from 'node:fs';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {whatIsMissing} from '../../demo/lab/need.ts';
import type {LabStatus} from '../../demo/lab/status.ts';
import {topologies as all} from '../../demo/lab/topologies.ts';
import {pairsAreCrossed, plannedCallsAreHeld, translationsAreCrossed} from './checks.ts';
import {
  eventually,
  inPod,
  lab,
  labStarts,
  netnsOf,
  onNode,
  podOf,
  remains,
  sockets,
  ssh,
  starts,
  statusOf,
} from './harness.ts';

const topologies = all.filter(each => ['flannel-vxlan', 'routed'].includes(each.name));
const missing = await whatIsMissing();
const runs = missing.length === 0;
if (!runs) console.warn(`\n*** LAB TESTS SKIPPED ***\n${missing.join('\n')}\n`);

test.runIf(process.env['CI'])('in CI the lab can be made: a skip is a failure', () => {
  expect(missing).toEqual([]);
});

const nameOf = (topology: string) => `test-${process.pid}-${topology.slice(0, 4)}`;

/** Both at once, as one may have several. */
const ups: Record<string, {out: string; err: string; status: number | null}> = {};

beforeAll(async () => {
  if (!runs) return;
  await Promise.all(
    topologies.map(async topology => {
      const {heard, ended} = labStarts('up', topology.name, '--name', nameOf(topology.name));
      ups[topology.name] = {status: await ended, ...heard};
    }),
  );
}, 120_000);

afterAll(() => {
  if (runs) for (const topology of topologies) lab('down', '--name', nameOf(topology.name));
}, 60_000);

describe.runIf(runs).each(topologies)('lab $name', {timeout: 60_000}, topology => {
  const name = nameOf(topology.name);
  const [control, first, second] = topology.nodes as [LabNode, LabNode, LabNode];
  type LabNode = (typeof topology.nodes)[number];
  let status: LabStatus;

  beforeAll(() => {
    status = statusOf(name);
  });

  const tcp = (pod: string) => sockets(inPod(status, pod, 'ss', '-Htan'));
  const established = (pod: string) => tcp(pod).filter(socket => socket.state === 'ESTAB');
  const ipOf = (pod: string) => podOf(status, pod).ip;
  /** A counter of /proc/net/snmp in a pod. */
  const counter = (pod: string, protocol: string, field: string) => {
    const rows = inPod(status, pod, 'cat', '/proc/self/net/snmp')
      .split('\n')
      .filter(line => line.startsWith(`${protocol}:`));
    return Number(rows[1]!.split(' ')[rows[0]!.split(' ').indexOf(field)]);
  };

  test('up prints one line to paste', () => {
    const {out, err, status} = ups[topology.name]!;
    expect(status, err).toBe(0);
    expect(out.trim().split('\n')).toEqual([
      `ip netns exec ${name}-fabric npx hoptop --nodes ${topology.nodes.map(node => `root@${node.address}`).join(',')} ` +
        `-i /run/hoptop-lab/${name}/id_ed25519 --known-hosts /run/hoptop-lab/${name}/known_hosts`,
    ]);
    expect(existsSync(`/run/hoptop-lab/${name}/inventory.yaml`)).toBe(true);
  });

  test('status tells every node and every container alive', () => {
    expect(status).toMatchObject({name, topology: topology.name, phase: 'up'});
    expect(status.nodes.map(node => [node.name, node.alive])).toEqual(
      topology.nodes.map(node => [node.name, true]),
    );
    expect(status.pods).toHaveLength(topology.pods.length);
    for (const pod of status.pods)
      for (const container of pod.containers)
        expect(container.pids, `${pod.name} ${container.name}`).not.toEqual([]);
    const web = podOf(status, 'shop/web-7c5ddbdf54-8kqzr');
    expect(web.containers.map(container => container.name)).toEqual(['web', 'log-shipper']);
  });

  test('a second up under the name is refused', () => {
    const again = lab('up', '--name', name);
    expect(again.status).toBe(1);
    expect(again.err).toContain(`Lab ${name} is up already (${topology.name})`);
  });

  test('nodes are nodes of their own, over ssh', () => {
    const seen = topology.nodes.map(node => {
      const {out, status, err} = ssh(
        name,
        'root',
        node.address,
        'hostname; cat /etc/machine-id; cat /proc/1/comm; ls /proc | grep -c "^[0-9]"',
      );
      expect(status, err).toBe(0);
      return out.trim().split('\n');
    });
    expect(seen.map(each => each[0])).toEqual(topology.nodes.map(node => node.name));
    expect(new Set(seen.map(each => each[1])).size).toBe(3);
    for (const [, machineId, first, processes] of seen) {
      expect(machineId).toMatch(/^[0-9a-f]{32}$/);
      expect(first).toBe('lab-reap');
      expect(Number(processes)).toBeLessThan(60);
    }
  });

  test('oncall may sudo, visitor may not', () => {
    expect(ssh(name, 'oncall', first.address, 'id -un; sudo -n id -un').out).toBe('oncall\nroot\n');
    const visitor = ssh(name, 'visitor', first.address, 'sudo -n id -un');
    expect(visitor.status).not.toBe(0);
    expect(visitor.out).toBe('');
  });

  test("processes carry their pod's and container's ids as under a kubelet", () => {
    const backup = podOf(status, 'data/backup-0');
    const container = backup.containers[0]!;
    const path = `/kubepods/besteffort/pod${backup.uid}/${container.id}`;
    expect(backup.uid).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(onNode(name, first.name, 'cat /proc/$(pgrep -x backup)/cgroup')).toContain(`:${path}\n`);
    expect(onNode(name, first.name, `cat /var/log/pods/data_backup-0_${backup.uid}/backup/0.log`)).toContain(
      'connected to tcp',
    );
    const config = onNode(
      name,
      first.name,
      `cat /run/containerd/io.containerd.runtime.v2.task/k8s.io/${container.id}/config.json`,
    );
    expect(JSON.parse(config).annotations).toMatchObject({
      'io.kubernetes.cri.container-name': 'backup',
      'io.kubernetes.cri.sandbox-name': 'backup-0',
      'io.kubernetes.cri.sandbox-namespace': 'data',
      'io.kubernetes.cri.sandbox-id': backup.sandbox,
    });
  });

  test('meshd is joined with every node, itself included, in both directions', async () => {
    const all = topology.nodes.map(node => node.address).sort();
    for (const node of topology.nodes)
      await eventually(() => {
        const mesh = sockets(onNode(name, node.name, 'ss -Htan')).filter(socket => socket.state === 'ESTAB');
        const address = (endpoint: string) => endpoint.split(':')[0]!;
        expect(
          mesh
            .filter(each => each.peer.endsWith(':4240'))
            .map(each => address(each.peer))
            .sort(),
        ).toEqual(all);
        expect(
          mesh
            .filter(each => each.local.endsWith(':4240'))
            .map(each => address(each.peer))
            .sort(),
        ).toEqual(all);
      });
  });

  test('connections within a node and across nodes are seen from both ends', async () => {
    for (const cart of ['shop/cart-5f8d9c7b6c-m4t9z', 'shop/cart-5f8d9c7b6c-q7w2n'])
      await eventually(() => {
        const calls = established(cart).filter(socket => socket.peer === `${ipOf('shop/db-0')}:5432`);
        expect(calls).toHaveLength(2);
        const ends = established('shop/db-0').map(socket => `${socket.peer} ${socket.local}`);
        for (const call of calls) expect(ends).toContain(`${call.local} ${call.peer}`);
      });
    expect(podOf(status, 'shop/cart-5f8d9c7b6c-m4t9z').node).not.toBe(podOf(status, 'shop/db-0').node);
    expect(podOf(status, 'shop/cart-5f8d9c7b6c-q7w2n').node).toBe(podOf(status, 'shop/db-0').node);
  });

  test('a ClusterIP is translated by the rules, and held', async () => {
    const carts = ['shop/cart-5f8d9c7b6c-m4t9z', 'shop/cart-5f8d9c7b6c-q7w2n'];
    await eventually(() => {
      const calls = established('shop/web-7c5ddbdf54-8kqzr').filter(
        socket => socket.peer === '10.96.114.20:7070',
      );
      expect(calls).toHaveLength(3);
      const ends = carts.flatMap(cart => established(cart)).map(socket => socket.peer);
      for (const call of calls) expect(ends).toContain(call.local);
      const port = calls[0]!.local.split(':')[1]!;
      const entry = onNode(name, first.name, `conntrack -L -p tcp --orig-port-src ${port} 2>/dev/null`);
      expect(entry).toMatch(/dst=10\.96\.114\.20 .*dport=7070 src=10\.244\.\S+ /);
      expect(
        carts.map(cart => `src=${ipOf(cart)} `).some(source => entry.includes(source)),
        entry,
      ).toBe(true);
    });
    const rules = onNode(name, first.name, 'iptables-save -t nat');
    expect(rules).toMatch(
      /-A KUBE-SERVICES -d 10\.96\.114\.20\/32 -p tcp .*"shop\/cart:api cluster IP" .*-j KUBE-SVC-[A-Z2-7]{16}/,
    );
    expect(rules).toMatch(/-A KUBE-SEP-[A-Z2-7]{16} -p tcp .*-j DNAT --to-destination 10\.244\.\S+:7070/);
  });

  test('UDP: a client keeps its socket, and the server hears it', async () => {
    const keeps = () =>
      sockets(inPod(status, 'shop/web-7c5ddbdf54-x7f2m', 'ss', '-Huan')).map(
        each => `${each.state} ${each.local} ${each.peer}`,
      );
    const statsd = await eventually(
      () => keeps().find(row => row.endsWith('10.96.73.55:8125')) ?? expect.fail('no socket to statsd'),
    );
    expect(statsd).toMatch(/^ESTAB /);
    const before = counter('data/collector-0', 'Udp', 'InDatagrams');
    await eventually(() =>
      expect(counter('data/collector-0', 'Udp', 'InDatagrams')).toBeGreaterThan(before + 2),
    );
    expect(keeps()).toContain(statsd);
  });

  test('a client is refused over and over', async () => {
    const before = counter('shop/payments', 'Tcp', 'AttemptFails');
    await eventually(() =>
      expect(counter('shop/payments', 'Tcp', 'AttemptFails')).toBeGreaterThan(before + 1),
    );
    expect(established('shop/payments')).toEqual([]);
  });

  test('a slow transfer waits at its sender and moves', async () => {
    const peer = `${ipOf('data/archive-0')}:9000`;
    const acked = () =>
      Number(/bytes_acked:(\d+)/.exec(inPod(status, 'data/backup-0', 'ss', '-HtinO', 'dst', peer))?.[1]);
    await eventually(() =>
      expect(established('data/backup-0').find(socket => socket.peer === peer)?.sendQueue).toBeGreaterThan(
        100_000,
      ),
    );
    const before = acked();
    await eventually(() => expect(acked()).toBeGreaterThan(before + 20_000));
  });

  test('somebody is idle, somebody listens in vain, somebody calls briefly', async () => {
    expect(tcp('default/toolbox')).toEqual([]);
    expect(tcp('data/legacy-report').map(socket => `${socket.state} ${socket.local}`)).toEqual([
      'LISTEN 0.0.0.0:9999',
    ]);
    const opens = counter('monitoring/prober', 'Tcp', 'ActiveOpens');
    await eventually(() => expect(counter('monitoring/prober', 'Tcp', 'ActiveOpens')).toBeGreaterThan(opens));
    const fails = counter('monitoring/prober', 'Tcp', 'AttemptFails');
    expect(fails).toBeLessThan(5);
  });

  if (topology.datapath === 'flannel-vxlan')
    test('datapath: cni0 and flannel.1', () => {
      const links = JSON.parse(onNode(name, first.name, 'ip -j -d link'));
      const link = (ifname: string) => links.find((each: {ifname: string}) => each.ifname === ifname);
      expect(link('flannel.1')).toMatchObject({
        mtu: 1450,
        linkinfo: {info_kind: 'vxlan', info_data: {id: 1, port: 8472, learning: false}},
      });
      expect(link('cni0')).toMatchObject({mtu: 1450, linkinfo: {info_kind: 'bridge'}});
      const veths = links.filter((each: {ifname: string}) => each.ifname.startsWith('veth'));
      expect(veths).toHaveLength(4);
      for (const veth of veths) expect(veth.master).toBe('cni0');
      expect(onNode(name, first.name, 'ip route show dev flannel.1')).toBe(
        '10.244.0.0/24 via 10.244.0.0 onlink \n10.244.2.0/24 via 10.244.2.0 onlink \n',
      );
      expect(
        onNode(name, first.name, 'ip neigh show dev flannel.1 nud permanent').trim().split('\n'),
      ).toHaveLength(2);
      const fdb = onNode(name, first.name, 'bridge fdb show dev flannel.1');
      for (const peer of [control, second]) expect(fdb).toContain(` dst ${peer.address} self permanent`);
    });
  else
    test('datapath: a route for each pod, no bridge', () => {
      const backup = createHash('sha1').update('data.backup-0').digest('hex').slice(0, 11);
      expect(onNode(name, first.name, `ip route get ${ipOf('data/backup-0')}`)).toContain(
        `dev cali${backup} `,
      );
      expect(onNode(name, first.name, `cat /proc/sys/net/ipv4/conf/cali${backup}/proxy_arp`)).toBe('1\n');
      expect(onNode(name, first.name, 'ip -o link show type bridge')).toBe('');
      expect(onNode(name, first.name, 'ip route show proto bird')).toContain(
        `${second.podCidr} via ${second.address} dev eth0`,
      );
      expect(inPod(status, 'data/backup-0', 'ip', 'route')).toBe(
        'default via 169.254.1.1 dev eth0 \n169.254.1.1 dev eth0 scope link \n',
      );
      expect(inPod(status, 'data/backup-0', 'ip', 'neigh')).toContain(
        '169.254.1.1 dev eth0 lladdr ee:ee:ee:ee:ee:ee',
      );
      expect(inPod(status, 'data/backup-0', 'ip', '-br', 'addr', 'show', 'eth0')).toContain(
        `${ipOf('data/backup-0')}/32`,
      );
    });

  test('every pair of pods: the packet is seen on every link from end to end, and its answer back', () =>
    pairsAreCrossed(status));

  test('every translation leads to whom it should, and back', () => translationsAreCrossed(topology, status));

  test('all the planned connections are held, and who is at both ends is known, whatever is between them', () =>
    plannedCallsAreHeld(topology, status));

  test('exec gives on the exit status and what follows the node', () => {
    expect(lab('exec', '--name', name, second.name, 'sh', '-c', 'exit 7').status).toBe(7);
    expect(lab('exec', '--name', name, second.name, 'echo', '--name', 'x').out).toBe('--name x\n');
    expect(lab('exec', '--name', name, 'nobody', 'true').err).toContain(
      `Name a node of lab ${name}: cp-1, worker-1, worker-2.`,
    );
  });

  test('sshd can be stopped, with its sessions, and started', async () => {
    const session = labSession(name, second.address);
    await eventually(() => expect(session.heard()).toContain('in'));
    expect(lab('sshd', second.name, 'stop', '--name', name).status).toBe(0);
    expect(await session.ended).toBe(255);
    expect(ssh(name, 'root', second.address, 'true').err).toContain('Connection refused');
    expect(lab('sshd', second.name, 'start', '--name', name).status).toBe(0);
    expect(ssh(name, 'root', second.address, 'hostname').out).toBe(`${second.name}\n`);
  });

  test('an uplink can be cut and mended', () => {
    expect(lab('link', second.name, 'down', '--name', name).status).toBe(0);
    expect(onNode(name, second.name, 'cat /sys/class/net/eth0/carrier')).toBe('0\n');
    expect(ssh(name, 'root', second.address, 'true').status).toBe(255);
    expect(lab('link', second.name, 'up', '--name', name).status).toBe(0);
    expect(ssh(name, 'root', second.address, 'hostname').out).toBe(`${second.name}\n`);
  });

  test('a new host key is refused by who knows the old one', () => {
    expect(lab('hostkey', control.name, '--name', name).status).toBe(0);
    const refused = ssh(name, 'root', control.address, 'true');
    expect(refused.status).toBe(255);
    expect(refused.err).toContain('REMOTE HOST IDENTIFICATION HAS CHANGED');
  });

  test('down leaves nothing', () => {
    const netns = netnsOf(status);
    expect(netns.size).toBe(3 + topology.pods.filter(pod => !pod.hostNetwork).length);
    expect(remains(name, netns).length).toBeGreaterThan(20);
    expect(lab('down', '--name', name).err).toContain(`Lab ${name} is gone.`);
    expect(remains(name, netns)).toEqual([]);
  });
});

/** An ssh session that says `in` and stays. */
const labSession = (name: string, address: string) => {
  const argv = [
    '-F',
    'none',
    '-i',
    `/run/hoptop-lab/${name}/id_ed25519`,
    '-o',
    `UserKnownHostsFile=/run/hoptop-lab/${name}/known_hosts`,
  ];
  const {child, heard, ended} = starts(
    'ip',
    'netns',
    'exec',
    `${name}-fabric`,
    'ssh',
    ...argv,
    `root@${address}`,
    'echo in; sleep 60',
  );
  return {child, heard: () => heard.out, ended};
};

describe.runIf(runs)('a lab that was not finished', {timeout: 60_000}, () => {
  const broken = async (name: string, signal: 'SIGINT' | 'SIGKILL') => {
    const {child, heard, ended} = labStarts('up', '--name', name);
    await eventually(() => expect(heard.err).toContain('pods '));
    child.kill(signal);
    return {code: await ended, heard};
  };

  test('Ctrl-C clears up', async () => {
    const name = nameOf('ctrl');
    const {code, heard} = await broken(name, 'SIGINT');
    expect(code).toBe(130);
    expect(heard.err).toContain('Interrupted by SIGINT');
    expect(remains(name)).toEqual([]);
  });

  test('a crash is told, and down clears up', async () => {
    const name = nameOf('dead');
    const {code} = await broken(name, 'SIGKILL');
    expect(code).toBe(null);
    expect(lab('up', '--name', name).err).toContain(`Lab ${name} is what a crash or a reboot left`);
    expect(lab('status', '--name', name).out).toContain(`lab ${name}: interrupted`);
    expect(lab('down', '--name', name).status).toBe(0);
    expect(remains(name)).toEqual([]);
  });
});
