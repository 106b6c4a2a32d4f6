/** How a topology joins its pods: each node's CNI configuration, and the links, routes and neighbours between nodes. */
import {createHash} from 'node:crypto';
import type {NodePlan, Topology} from './topology.ts';

/** VXLAN over the fabric costs 50 bytes of each packet. */
const VXLAN_MTU = 1450;

const networkOf = (cidr: string) => cidr.split('/')[0]!;

/** Like flanneld, which lets the kernel choose at random, but the same at every `up` (locally administered). */
export const vtepMac = (node: NodePlan) => {
  const digest = createHash('sha1').update(`flannel.1 ${node.name}`).digest();
  return ['02', ...[...digest.subarray(0, 5)].map(byte => byte.toString(16).padStart(2, '0'))].join(':');
};

/** Files of a node that describe its pod network, as paths below its root. */
export const cniFiles = (topology: Topology, node: NodePlan): {path: string; text: string}[] => {
  const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
  if (topology.datapath === 'routed') {
    const ipam = {type: 'host-local', ranges: [[{subnet: node.podCidr}]]};
    const conf = {name: 'k8s-pod-network', cniVersion: '0.4.0', plugins: [{type: 'routed', ipam}]};
    return [{path: 'etc/cni/net.d/10-routed.conflist', text: json(conf)}];
  }
  // What the flannel plugin hands to the bridge plugin; that plugin itself is no Debian package.
  const bridge = {
    type: 'bridge',
    bridge: 'cni0',
    isGateway: true,
    hairpinMode: true,
    ipMasq: false,
    mtu: VXLAN_MTU,
    ipam: {
      type: 'host-local',
      ranges: [[{subnet: node.podCidr}]],
      routes: [{dst: topology.clusterCidr}, {dst: '0.0.0.0/0'}],
    },
  };
  const conf = {
    name: 'cbr0',
    cniVersion: '0.4.0',
    plugins: [bridge, {type: 'portmap', capabilities: {portMappings: true}}],
  };
  return [{path: 'etc/cni/net.d/10-flannel.conflist', text: json(conf)}];
};

/** `ip -batch` lines for a node whose eth0 is already up. */
export const datapathLinks = (topology: Topology, node: NodePlan): string[] => {
  const peers = topology.nodes.filter(other => other !== node);
  if (topology.datapath === 'routed')
    return [
      ...peers.map(peer => `route add ${peer.podCidr} via ${peer.address} dev eth0 proto bird`),
      // Calico's BIRD keeps one for the node's own block, so that unused addresses do not leave it.
      `route add blackhole ${node.podCidr} proto bird`,
    ];
  return [
    `link add flannel.1 address ${vtepMac(node)} mtu ${VXLAN_MTU} type vxlan id 1 local ${node.address} dev eth0 dstport 8472 nolearning`,
    `address add ${networkOf(node.podCidr)}/32 dev flannel.1`,
    'link set flannel.1 up',
    ...peers.flatMap(peer => {
      const gateway = networkOf(peer.podCidr);
      return [
        `neighbour replace ${gateway} lladdr ${vtepMac(peer)} dev flannel.1 nud permanent`,
        `route add ${peer.podCidr} via ${gateway} dev flannel.1 onlink`,
      ];
    }),
  ];
};

/** `bridge -batch` lines for a node: where each peer's VTEP is. */
export const datapathForwarding = (topology: Topology, node: NodePlan): string[] =>
  topology.datapath === 'routed'
    ? []
    : topology.nodes
        .filter(other => other !== node)
        .map(peer => `fdb append ${vtepMac(peer)} dev flannel.1 dst ${peer.address} self permanent`);
