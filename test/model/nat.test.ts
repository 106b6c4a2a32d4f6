import {describe, expect, test} from 'vitest';
import {parseIptables} from '../../source/facts/netfilter/iptables.ts';
import {parseNft} from '../../source/facts/netfilter/nft.ts';
import type {Ruleset} from '../../source/facts/netfilter/ruleset.ts';
import type {GraphNode} from '../../source/model/graph.ts';
import {hookBranches} from '../../source/model/nat/evaluate.ts';
import type {Packet} from '../../source/model/nat/packet.ts';
import {datapathsOf, servicesOf} from '../../source/model/services.ts';
import {endpointText} from '../../source/model/words.ts';
import {bytes, captured, fixture} from '../facts/samples.ts';
import {graphOf} from './world.ts';

function nodeWith(rulesets: readonly Ruleset[], bpf: readonly string[] = []): GraphNode {
  const graph = graphOf({
    atlas: {
      host: '1',
      netns: {
        '1': {
          links: [
            {ifindex: 1, name: 'lo'},
            {ifindex: 2, name: 'eth0'},
            {ifindex: 3, name: 'cni0', kind: 'bridge'},
          ],
          addresses: ['lo 127.0.0.1/8', 'eth0 192.168.77.11/24', 'cni0 10.88.1.1/24', 'eth0 10.7.0.1/24'],
          netfilter: {rulesets, servers: [], bpf},
        },
      },
    },
  });
  return graph.nodes[0]!;
}

const saved = (text: string): Ruleset => parseIptables(bytes(text), 4).ruleset;
const atlas = () => nodeWith([parseIptables(captured('three-node/atlas/iptables-save.txt'), 4).ruleset]);
const nft = () => nodeWith(parseNft(fixture('netfilter/kube-proxy.nft.json')).rulesets);

const packet = (source: string, destination: string, port: number, more: Partial<Packet> = {}): Packet => ({
  family: 4,
  protocol: 'tcp',
  source,
  sourcePort: 40000,
  destination,
  destinationPort: port,
  mark: 0,
  ...more,
});

function told(node: GraphNode, hook: 'PREROUTING' | 'OUTPUT' | 'POSTROUTING', asked: Packet): string[] {
  return hookBranches(node.host!, hook, asked)!.map(branch => {
    const {source, destination, destinationPort, mark} = branch.packet;
    const share = Math.round(branch.probability * 1000) / 1000;
    const to = `${source}>${endpointText(destination, destinationPort ?? 0)}`;
    return `${share} ${branch.fate} ${to}${mark ? ` 0x${mark.toString(16)}` : ''} ${branch.translated ?? ''}`.trim();
  });
}

describe('kube-proxy by iptables, as it was read', () => {
  test('a ClusterIP goes to each backend with the same share', () => {
    expect(told(atlas(), 'PREROUTING', packet('10.88.1.5', '10.99.82.127', 80))).toEqual([
      '0.2 on 10.88.1.5>10.88.1.7:8080 destination',
      '0.2 on 10.88.1.5>10.88.2.6:8080 destination',
      '0.2 on 10.88.1.5>10.88.3.7:8080 destination',
      '0.2 on 10.88.1.5>10.88.1.8:8080 destination',
      '0.2 on 10.88.1.5>10.88.3.9:8080 destination',
    ]);
  });

  test('who calls itself through a service is marked, and masqueraded: hairpin', () => {
    const node = atlas();
    const [own] = hookBranches(node.host!, 'PREROUTING', packet('10.88.1.7', '10.99.82.127', 80))!;
    expect(own!.packet).toMatchObject({destination: '10.88.1.7', mark: 0x4000});
    expect(own!.steps.map(step => step.text)).toContain('shop/web:http cluster IP');
    expect(told(node, 'POSTROUTING', {...own!.packet, out: 'cni0'})).toEqual([
      '1 on 10.88.1.1>10.88.1.7:8080 source',
    ]);
    expect(told(node, 'POSTROUTING', packet('10.88.1.5', '10.88.2.6', 8080, {out: 'eth0'}))).toEqual([
      '1 on 10.88.1.5>10.88.2.6:8080',
    ]);
  });

  test('a NodePort of any of the node’s addresses is marked and translated, of others it is not', () => {
    const node = atlas();
    const branches = told(node, 'PREROUTING', packet('192.168.77.254', '192.168.77.11', 30080, {in: 'eth0'}));
    expect(branches).toHaveLength(5);
    expect(branches[0]).toBe('0.2 on 192.168.77.254>10.88.1.7:8080 0x4000 destination');
    expect(told(node, 'PREROUTING', packet('192.168.77.254', '192.168.77.12', 30080))).toEqual([
      '1 on 192.168.77.254>192.168.77.12:30080',
    ]);
    expect(told(node, 'PREROUTING', packet('192.168.77.254', '192.168.77.11', 30081))).toHaveLength(1);
  });

  test('its services, with their names, backends and shares', () => {
    const services = servicesOf(atlas())!.map(
      ({kind, name, address, port, protocol, backends, empty}) =>
        `${kind} ${name} ${address ?? '*'}:${port}/${protocol} ${empty ?? backends.map(one => `${one.address}:${one.port}@${one.probability?.toFixed(2)}`).join(' ')}`,
    );
    const web =
      '10.88.1.7:8080@0.20 10.88.2.6:8080@0.20 10.88.3.7:8080@0.20 10.88.1.8:8080@0.20 10.88.3.9:8080@0.20';
    expect(services).toEqual([
      'clusterIP default/kubernetes:https 10.99.0.1:443/tcp 192.168.77.11:6443@1.00',
      'clusterIP shop/db:pg 10.99.248.231:5432/tcp 10.88.2.7:5432@1.00',
      `clusterIP shop/web:http 10.99.82.127:80/tcp ${web}`,
      `clusterIP shop/web-np 10.99.137.249:80/tcp ${web}`,
      `nodePort shop/web-np *:30080/tcp ${web}`,
      'clusterIP shop/ghost 10.99.227.203:9999/tcp rejected',
    ]);
  });
});

describe('kube-proxy by nftables', () => {
  test('the same questions have the same kind of answers', () => {
    expect(told(nft(), 'PREROUTING', packet('10.88.1.5', '172.30.0.41', 80))).toEqual([
      '0.5 on 10.88.1.5>10.180.0.1:80 destination',
      '0.5 on 10.88.1.5>10.180.0.2:80 destination',
    ]);
    expect(told(nft(), 'OUTPUT', packet('192.168.77.11', '172.30.0.41', 80))[0]).toBe(
      '0.5 on 192.168.77.11>10.180.0.1:80 0x4000 destination',
    );
    expect(told(nft(), 'PREROUTING', packet('192.168.77.254', '10.7.0.1', 30080))).toHaveLength(2);
    expect(
      told(nft(), 'POSTROUTING', packet('10.88.1.5', '10.180.0.1', 80, {mark: 0x4000, out: 'cni0'})),
    ).toEqual(['1 on 10.88.1.1>10.180.0.1:80 source']);
    expect(told(nft(), 'POSTROUTING', packet('10.88.1.5', '10.180.0.1', 80, {out: 'cni0'}))).toEqual([
      '1 on 10.88.1.5>10.180.0.1:80',
    ]);
  });

  test('its services', () => {
    expect(
      servicesOf(nft())!.map(
        ({kind, name, address, port, protocol, datapath, backends, empty}) =>
          `${datapath} ${kind} ${name} ${address ?? '*'}:${port}/${protocol} ${empty ?? backends.map(one => `${one.address}@${one.probability}`).join(' ')}`,
      ),
    ).toEqual([
      'nftables clusterIP shop/web:dns 172.30.0.41:53/udp 10.180.0.1@1',
      'nftables clusterIP shop/web:http 172.30.0.41:80/tcp 10.180.0.1@0.5 10.180.0.2@0.5',
      'nftables nodePort shop/web:http *:30080/tcp 10.180.0.1@0.5 10.180.0.2@0.5',
      'nftables clusterIP shop/ghost:https 172.30.0.42:443/tcp rejected',
    ]);
  });
});

/** In the words of the reference portmap plugin and of flannel (containernetworking/plugins, flannel-io/flannel). */
const OTHERS = `*nat
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:CNI-HOSTPORT-DNAT - [0:0]
:CNI-HOSTPORT-SETMARK - [0:0]
:CNI-HOSTPORT-MASQ - [0:0]
:CNI-DN-aaaa - [0:0]
:FLANNEL-POSTRTG - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT
-A OUTPUT -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT
-A POSTROUTING -m comment --comment "CNI portfwd requiring masquerade" -j CNI-HOSTPORT-MASQ
-A POSTROUTING -m comment --comment "flanneld masq" -j FLANNEL-POSTRTG
-A CNI-HOSTPORT-DNAT -p tcp -m comment --comment "dnat name: \\"cbr0\\" id: \\"f7d7\\"" -m multiport --dports 8080,8443 -j CNI-DN-aaaa
-A CNI-DN-aaaa -s 10.88.1.0/24 -p tcp -m tcp --dport 8080 -j CNI-HOSTPORT-SETMARK
-A CNI-DN-aaaa -s 127.0.0.1/32 -p tcp -m tcp --dport 8080 -j CNI-HOSTPORT-SETMARK
-A CNI-DN-aaaa -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.88.1.9:80
-A CNI-HOSTPORT-SETMARK -m comment --comment "CNI portfwd masquerade mark" -j MARK --set-xmark 0x2000/0x2000
-A CNI-HOSTPORT-MASQ -m mark --mark 0x2000/0x2000 -j MASQUERADE
-A FLANNEL-POSTRTG -m mark --mark 0x4000/0x4000 -m comment --comment "flanneld masq" -j RETURN
-A FLANNEL-POSTRTG -s 10.88.1.0/24 -d 10.88.0.0/16 -m comment --comment "flanneld masq" -j RETURN
-A FLANNEL-POSTRTG -s 10.88.0.0/16 ! -d 224.0.0.0/4 -m comment --comment "flanneld masq" -j MASQUERADE --random-fully
COMMIT
`;

describe('what others write', () => {
  test('a hostPort is translated, and marked for who is behind the same node', () => {
    const node = nodeWith([saved(OTHERS)]);
    expect(told(node, 'PREROUTING', packet('10.88.1.5', '192.168.77.11', 8080))).toEqual([
      '1 on 10.88.1.5>10.88.1.9:80 0x2000 destination',
    ]);
    expect(told(node, 'PREROUTING', packet('192.168.77.254', '192.168.77.11', 8080))).toEqual([
      '1 on 192.168.77.254>10.88.1.9:80 destination',
    ]);
    expect(servicesOf(node)!.map(({kind, name, address, port}) => [kind, name, address, port])).toEqual([
      ['hostPort', undefined, undefined, 8080],
    ]);
  });

  test('flannel masquerades what leaves the pods’ network, with the address of the way out', () => {
    const node = nodeWith([saved(OTHERS)]);
    expect(told(node, 'POSTROUTING', packet('10.88.1.5', '8.8.8.8', 53, {out: 'eth0'}))).toEqual([
      '1 on 192.168.77.11>8.8.8.8:53 source',
    ]);
    expect(told(node, 'POSTROUTING', packet('10.88.1.5', '10.88.2.5', 53, {out: 'cni0'}))).toEqual([
      '1 on 10.88.1.5>10.88.2.5:53',
    ]);
    const [unknown] = hookBranches(node.host!, 'POSTROUTING', packet('10.88.1.5', '8.8.8.8', 53))!;
    expect([unknown!.fate, unknown!.why]).toEqual([
      'unknown',
      'it is masqueraded, but the address of a device that is not known is not known',
    ]);
  });

  test('a rule that asks what is not understood makes the answer unknown, and says which', () => {
    const node = nodeWith([
      saved(
        '*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -m geoip --source-country XX -j DNAT --to-destination 10.0.0.1\nCOMMIT\n',
      ),
    ]);
    const [only] = hookBranches(node.host!, 'PREROUTING', packet('10.88.1.5', '8.8.8.8', 53))!;
    expect([only!.fate, only!.why]).toEqual([
      'unknown',
      'rule “dnat 10.0.0.1” of PREROUTING asks what is not understood: -m geoip --source-country XX',
    ]);
  });

  test('but not where it could change nothing, and not where it is only about clients that come back', () => {
    const node = nodeWith([
      saved(
        '*nat\n:PREROUTING ACCEPT [0:0]\n:SEP - [0:0]\n-A PREROUTING -m geoip --source-country XX -j LOG --log-prefix x\n-A PREROUTING -m recent --rcheck --seconds 10800 --reap --name SEP --mask 255.255.255.255 --rsource -j SEP\n-A SEP -p tcp -j DNAT --to-destination 10.0.0.1:80\nCOMMIT\n',
      ),
    ]);
    const [only] = hookBranches(node.host!, 'PREROUTING', packet('10.88.1.5', '8.8.8.8', 53))!;
    expect(only).toMatchObject({fate: 'on', doubts: ['a client that came back may be kept at its backend']});
  });

  test('rules that were not read are no rules that do nothing', () => {
    const graph = graphOf({a: {host: '1', netns: {'1': {links: []}}}});
    expect(
      hookBranches(graph.nodes[0]!.host!, 'PREROUTING', packet('10.0.0.1', '10.0.0.2', 1)),
    ).toBeUndefined();
    expect(servicesOf(graph.nodes[0]!)).toBeUndefined();
  });

  test('pinned BPF maps of services are said to be beyond what rules tell', () => {
    const {ways, why} = datapathsOf(nodeWith([], ['cilium_lb4_services_v2']));
    expect(ways).toEqual(['ebpf']);
    expect(why).toContain('conntrack is not authoritative here');
  });
});
