/**
 * Flannel's shapes: each node's pods on the bridge cni0; nodes joined by VXLAN or by plain routes. What flanneld and
 * the flannel plugin would write: github.com/flannel-io/flannel, pkg/backend/vxlan, pkg/backend/hostgw and
 * pkg/trafficmngr/iptables.
 */
import {createHash} from 'node:crypto';
import type {NodePlan, Topology} from '../topology.ts';
import {comment, type Datapath, json, withoutPrefix} from '../wiring.ts';

/** VXLAN costs 50 bytes of each packet over IPv4, 70 over IPv6. */
const OVERHEAD = {ipv4: 50, ipv6: 70};
const FABRIC_MTU = 1500;

/** Like flanneld, which lets the kernel choose at random, but the same at every `up` (locally administered). */
export const vtepMac = (node: NodePlan, device = 'flannel.1') => {
  const digest = createHash('sha1').update(`${device} ${node.name}`).digest();
  return ['02', ...[...digest.subarray(0, 5)].map(byte => byte.toString(16).padStart(2, '0'))].join(':');
};

/** What the flannel plugin hands to the bridge plugin; that plugin itself is no Debian package. */
const conflist = (topology: Topology, node: NodePlan, mtu: number) => {
  const both = node.podCidr6 && topology.clusterCidr6;
  const bridge = {
    type: 'bridge',
    bridge: 'cni0',
    isGateway: true,
    hairpinMode: true,
    ipMasq: false,
    mtu,
    ipam: {
      type: 'host-local',
      ranges: [[{subnet: node.podCidr}], ...(both ? [[{subnet: node.podCidr6}]] : [])],
      routes: [
        {dst: topology.clusterCidr},
        {dst: '0.0.0.0/0'},
        ...(both ? [{dst: topology.clusterCidr6}, {dst: '::/0'}] : []),
      ],
    },
  };
  const portmap = {type: 'portmap', capabilities: {portMappings: true}};
  const conf = {name: 'cbr0', cniVersion: '0.4.0', plugins: [bridge, portmap]};
  return {path: 'etc/cni/net.d/10-flannel.conflist', text: json(conf)};
};

/** flanneld's masquerading of what leaves the pod network, and its passage through FORWARD. */
const rules = (cluster: string, own: string, multicast: string) => {
  const masq = comment('flanneld masq');
  const forward = comment('flanneld forward');
  return `${[
    '*filter',
    ':FLANNEL-FWD - [0:0]',
    `-A FORWARD ${forward} -j FLANNEL-FWD`,
    `-A FLANNEL-FWD -s ${cluster} ${forward} -j ACCEPT`,
    `-A FLANNEL-FWD -d ${cluster} ${forward} -j ACCEPT`,
    'COMMIT',
    '*nat',
    ':FLANNEL-POSTRTG - [0:0]',
    `-A POSTROUTING ${masq} -j FLANNEL-POSTRTG`,
    `-A FLANNEL-POSTRTG -m mark --mark 0x4000/0x4000 ${masq} -j RETURN`,
    `-A FLANNEL-POSTRTG -s ${own} -d ${cluster} ${masq} -j RETURN`,
    `-A FLANNEL-POSTRTG -s ${cluster} -d ${own} ${masq} -j RETURN`,
    `-A FLANNEL-POSTRTG ! -s ${cluster} -d ${own} ${masq} -j RETURN`,
    `-A FLANNEL-POSTRTG -s ${cluster} ! -d ${multicast} ${masq} -j MASQUERADE --random-fully`,
    `-A FLANNEL-POSTRTG ! -s ${cluster} -d ${cluster} ${masq} -j MASQUERADE --random-fully`,
    'COMMIT',
  ].join('\n')}\n`;
};

const bothRules = (topology: Topology, node: NodePlan) => ({
  ipv4: rules(topology.clusterCidr, node.podCidr, '224.0.0.0/4'),
  ...(topology.clusterCidr6 &&
    node.podCidr6 && {ipv6: rules(topology.clusterCidr6, node.podCidr6, 'ff00::/8')}),
});

const peersOf = (topology: Topology, node: NodePlan) => topology.nodes.filter(other => other !== node);

/** One VXLAN device, with an onlink route, a permanent neighbour and an FDB entry for each peer. */
const tunnel = (
  device: string,
  mtu: number,
  node: NodePlan,
  peers: readonly NodePlan[],
  of: (each: NodePlan) => {address: string; podCidr: string; length: number},
) => {
  const own = of(node);
  return {
    links: [
      `link add ${device} address ${vtepMac(node, device)} mtu ${mtu} type vxlan id 1 local ${own.address} dev eth0 dstport 8472 nolearning`,
      `address add ${withoutPrefix(own.podCidr)}/${own.length} dev ${device}${own.length === 128 ? ' nodad' : ''}`,
      `link set ${device} up`,
      ...peers.flatMap(peer => {
        const gateway = withoutPrefix(of(peer).podCidr);
        return [
          `neighbour replace ${gateway} lladdr ${vtepMac(peer, device)} dev ${device} nud permanent`,
          `route add ${of(peer).podCidr} via ${gateway} dev ${device} onlink`,
        ];
      }),
    ],
    forwarding: peers.map(
      peer => `fdb append ${vtepMac(peer, device)} dev ${device} dst ${of(peer).address} self permanent`,
    ),
  };
};

/** VXLAN; a second device `flannel-v6.1` over the fabric's IPv6 where nodes have both families. */
const vxlanNode: Datapath['node'] = (topology, node) => {
  const peers = peersOf(topology, node);
  const both = node.address6 !== undefined;
  const mtu = FABRIC_MTU - (both ? OVERHEAD.ipv6 : OVERHEAD.ipv4);
  const ipv4 = tunnel('flannel.1', FABRIC_MTU - OVERHEAD.ipv4, node, peers, each => ({
    address: each.address,
    podCidr: each.podCidr,
    length: 32,
  }));
  const ipv6 =
    both &&
    tunnel('flannel-v6.1', FABRIC_MTU - OVERHEAD.ipv6, node, peers, each => ({
      address: each.address6!,
      podCidr: each.podCidr6!,
      length: 128,
    }));
  return {
    files: [conflist(topology, node, mtu)],
    links: [...ipv4.links, ...(ipv6 ? ipv6.links : [])],
    forwarding: [...ipv4.forwarding, ...(ipv6 ? ipv6.forwarding : [])],
    rules: bothRules(topology, node),
  };
};

/** No tunnel: a route to each peer's pods by way of that node, which has to be on the same wire. */
const hostGwNode: Datapath['node'] = (topology, node) => ({
  files: [conflist(topology, node, FABRIC_MTU)],
  links: peersOf(topology, node).map(peer => `route add ${peer.podCidr} via ${peer.address} dev eth0`),
  rules: bothRules(topology, node),
});

export const vxlan: Datapath = {node: vxlanNode};
export const hostGw: Datapath = {node: hostGwNode};
