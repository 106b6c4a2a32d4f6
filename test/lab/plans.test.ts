import {describe, expect, test} from 'vitest';
import {hierarchies, initArgument} from '../../demo/lab/cgroups.ts';
import {endpointChain, kubeProxyRules, serviceChain} from '../../demo/lab/kube-proxy.ts';
import {topologies} from '../../demo/lab/topologies.ts';
import type {ServicePlan} from '../../demo/lab/topology.ts';
import {stages} from '../../demo/lab/up.ts';

const service = (name: string, namespace: string, port: string, protocol: 'tcp' | 'udp'): ServicePlan => ({
  namespace,
  name,
  clusterIp: '10.96.0.10',
  app: name,
  ports: [{name: port, protocol, port: 53, targetPort: 53}],
});

describe('kube-proxy rules', () => {
  test('chains are called as in every kubeadm cluster', () => {
    const kubernetes = service('kubernetes', 'default', 'https', 'tcp');
    const dns = service('kube-dns', 'kube-system', 'dns', 'udp');
    expect(serviceChain(kubernetes, kubernetes.ports[0]!)).toBe('KUBE-SVC-NPX46M4PTMTKRN6Y');
    expect(serviceChain(dns, dns.ports[0]!)).toBe('KUBE-SVC-TCOU7JCQXEZGVUNU');
    expect(endpointChain(dns, dns.ports[0]!, '10.244.0.2:53')).toMatch(/^KUBE-SEP-[A-Z2-7]{16}$/);
  });

  test('three endpoints share calls evenly, none is rejected', () => {
    const dns = service('kube-dns', 'kube-system', 'dns', 'udp');
    const chances = (text: string) => [...text.matchAll(/--probability ([\d.]+)/g)].map(found => found[1]);
    const three = kubeProxyRules([dns], '10.244.0.0/16', () => ['10.244.0.2', '10.244.0.3', '10.244.1.2']);
    expect(chances(three)).toEqual(['0.33333333333', '0.50000000000']);
    expect(three).not.toContain('REJECT');
    const none = kubeProxyRules([dns], '10.244.0.0/16', () => []);
    expect(none).toContain(
      '--comment "kube-system/kube-dns:dns has no endpoints" -m udp --dport 53 -j REJECT',
    );
    expect(none).not.toContain('KUBE-SVC-');
  });
});

describe('kube-proxy rules for ports of nodes, and for IPv6', () => {
  const dns: ServicePlan = {
    ...service('kube-dns', 'kube-system', 'dns', 'udp'),
    clusterIp6: 'fd00:96::a',
    ports: [{name: 'dns', protocol: 'udp', port: 53, targetPort: 53, nodePort: 30053}],
  };

  test('a NodePort is masqueraded and goes on to the service', () => {
    const rules = kubeProxyRules([dns], '10.244.0.0/16', () => ['10.244.0.2']);
    for (const line of [
      '-A KUBE-NODEPORTS -p udp -m comment --comment "kube-system/kube-dns:dns" -m udp --dport 30053 -j KUBE-EXT-TCOU7JCQXEZGVUNU',
      '-A KUBE-EXT-TCOU7JCQXEZGVUNU -m comment --comment "masquerade traffic for kube-system/kube-dns:dns external destinations" -j KUBE-MARK-MASQ',
      '-A KUBE-EXT-TCOU7JCQXEZGVUNU -j KUBE-SVC-TCOU7JCQXEZGVUNU',
    ])
      expect(rules.split('\n')).toContain(line);
    expect(kubeProxyRules([dns], '10.244.0.0/16', () => [])).toContain(
      '-A KUBE-EXTERNAL-SERVICES -p udp -m comment --comment "kube-system/kube-dns:dns has no endpoints" -m addrtype --dst-type LOCAL -m udp --dport 30053 -j REJECT --reject-with icmp-port-unreachable',
    );
  });

  test('IPv6 has its own lengths, brackets and refusal', () => {
    const rules = kubeProxyRules([dns], 'fd00:10:244::/56', () => ['fd00:10:244::2'], 'ipv6');
    expect(rules).toContain('-A KUBE-SERVICES -d fd00:96::a/128 -p udp ');
    expect(rules).toContain('-s fd00:10:244::2/128 ');
    expect(rules).toContain('-j DNAT --to-destination [fd00:10:244::2]:53');
    expect(kubeProxyRules([dns], 'fd00:10:244::/56', () => [], 'ipv6')).toContain('icmp6-port-unreachable');
    const only4 = service('kube-dns', 'kube-system', 'dns', 'udp');
    expect(kubeProxyRules([only4], 'fd00:10:244::/56', () => ['fd00:10:244::2'], 'ipv6')).not.toContain(
      'DNAT',
    );
  });
});

describe('control groups of a machine', () => {
  test('version 1, with the unified one beside it', () => {
    const mountinfo = [
      '30 24 0:26 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro,mode=755',
      '31 30 0:27 / /sys/fs/cgroup/unified rw,nosuid - cgroup2 cgroup2 rw,nsdelegate',
      '32 30 0:28 / /sys/fs/cgroup/systemd rw,nosuid - cgroup cgroup rw,xattr,name=systemd',
      '33 30 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid - cgroup cgroup rw,cpu,cpuacct',
    ].join('\n');
    expect(initArgument(hierarchies(mountinfo))).toBe(
      'unified=2 systemd=none,name=systemd cpu,cpuacct=cpu,cpuacct',
    );
  });

  test('version 2 alone', () => {
    const mountinfo =
      '30 24 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n';
    expect(initArgument(hierarchies(mountinfo))).toBe('2');
  });
});

describe.each(topologies)('topology $name', topology => {
  test('pods start after those they call', () => {
    const order = stages(topology);
    expect(order.flat()).toHaveLength(topology.pods.length);
    const stageOf = (app: string) => order.findIndex(stage => stage.some(pod => pod.app === app));
    expect(stageOf('db')).toBeLessThan(stageOf('cart'));
    expect(stageOf('cart')).toBeLessThan(stageOf('web'));
    expect(stageOf('web')).toBeLessThan(stageOf('prober'));
  });

  test('names and addresses are given once', () => {
    const unique = (values: string[]) => expect(new Set(values).size).toBe(values.length);
    unique(topology.nodes.flatMap(node => [node.name, node.address, node.podCidr]));
    unique(topology.pods.map(pod => `${pod.namespace}/${pod.name}`));
    unique(topology.services.map(each => each.clusterIp));
    for (const pod of topology.pods) expect(topology.nodes.map(node => node.name)).toContain(pod.node);
  });

  test('pods that call each other in a ring are refused', () => {
    const pod = (name: string, callee: string) => ({
      ...topology.pods[0]!,
      name,
      containers: [{name, run: {roles: [`call=tcp:{pod:kube-system/${callee}}:80`]}}],
    });
    expect(() => stages({...topology, pods: [pod('a', 'b'), pod('b', 'a')]})).toThrow(
      'call each other in a ring: a, b',
    );
  });
});
