/**
 * Calico's shapes without an overlay: a /32 route for each pod, no bridge; routes to the other nodes' blocks either
 * written once or learned by BIRD.
 */
import type {MachinePlan, NodePlan, Topology} from '../topology.ts';
import {comment, type Datapath, json, type Wiring} from '../wiring.ts';

const files = (node: NodePlan) => {
  const ipam = {type: 'host-local', ranges: [[{subnet: node.podCidr}]]};
  const portmap = {type: 'portmap', snat: true, capabilities: {portMappings: true}};
  const conf = {name: 'k8s-pod-network', cniVersion: '0.4.0', plugins: [{type: 'routed', ipam}, portmap]};
  return [{path: 'etc/cni/net.d/10-routed.conflist', text: json(conf)}];
};

const plugins = [{script: 'cni-routed.sh', name: 'routed'}];

/**
 * What Felix writes for a pool with natOutgoing: what leaves the pools is masqueraded. Felix matches the pools as ipsets
 * (cali40masq-ipam-pools); here they are one prefix, written out.
 */
const rules = ({clusterCidr}: Topology) => ({
  ipv4: `${[
    '*nat',
    ':cali-POSTROUTING - [0:0]',
    ':cali-nat-outgoing - [0:0]',
    `-A POSTROUTING ${comment('cali:O3lYWMrLQYEMJtB5')} -j cali-POSTROUTING`,
    `-A cali-POSTROUTING ${comment('cali:Z-c7XtVd2Bq7s_hA')} -j cali-nat-outgoing`,
    `-A cali-nat-outgoing -s ${clusterCidr} ! -d ${clusterCidr} ${comment('cali:flqWnvo8yq4ULQLa')} -j MASQUERADE --random-fully`,
    'COMMIT',
  ].join('\n')}\n`,
});

/** Routes as BIRD would leave them where all nodes are on one wire, without a BIRD. */
const routedNode: Datapath['node'] = (topology, node) => ({
  files: files(node),
  plugins,
  links: [
    ...topology.nodes
      .filter(other => other !== node)
      .map(peer => `route add ${peer.podCidr} via ${peer.address} dev eth0 proto bird`),
    // Calico's BIRD keeps one for the node's own block, so that unused addresses do not leave it.
    `route add blackhole ${node.podCidr} proto bird`,
  ],
  rules: rules(topology),
});

/** The private AS of the routers, and of the first node; each node has its own, as in Calico's AS-per-rack design. */
const ROUTER_AS = 65000;
const nodeAs = (topology: Topology, node: NodePlan) => 65101 + topology.nodes.indexOf(node);

const withoutLength = (address: string) => address.split('/')[0]!;
const symbol = (name: string) => name.replaceAll('-', '_');

/** BIRD 2: the node's block as a blackhole, announced to every router; equal routes of several routers are merged. */
const nodeConfig = (topology: Topology, node: NodePlan) => `# Written by the lab.
log "/var/log/bird.log" all;
router id ${node.address};
protocol device { scan time 2; }
protocol static blocks {
  ipv4;
  route ${node.podCidr} blackhole;
}
protocol kernel {
  merge paths yes limit 8;
  scan time 10;
  ipv4 {
    import none;
    export filter {
      if source = RTS_BGP then krt_prefsrc = ${node.address};
      accept;
    };
  };
}
template bgp tor {
  local as ${nodeAs(topology, node)};
  connect delay time 1;
  connect retry time 1;
  error wait time 1, 4;
  ipv4 { import all; export where source = RTS_STATIC; };
}
${(node.nics ?? [])
  .flatMap(({to}) =>
    'router' in to
      ? [
          `protocol bgp ${symbol(to.router)} from tor { neighbor ${withoutLength(to.address)} as ${ROUTER_AS}; }\n`,
        ]
      : [],
  )
  .join('')}`;

/** The other side of it: a router that passes on every node's block, with itself as the next hop. */
const routerConfig = (topology: Topology, {name, address: id}: MachinePlan) => {
  const neighbours = topology.nodes.flatMap(node =>
    (node.nics ?? []).flatMap(({address, to}) =>
      'router' in to && to.router === name ? [{node, own: to.address, peer: address}] : [],
    ),
  );
  return `# Written by the lab.
log "/var/log/bird.log" all;
router id ${id};
protocol device { scan time 2; }
# The wires too: a node that masquerades does so with the address of the card it sends from.
protocol direct { ipv4; interface "to-*"; }
protocol kernel {
  scan time 10;
  ipv4 { import none; export where source = RTS_BGP; };
}
${neighbours
  .map(
    ({node, own, peer}) => `protocol bgp ${symbol(node.name)} {
  local ${withoutLength(own)} as ${ROUTER_AS};
  neighbor ${withoutLength(peer)} as ${nodeAs(topology, node)};
  connect delay time 1;
  connect retry time 1;
  error wait time 1, 4;
  ipv4 { import all; export all; };
}
`,
  )
  .join('')}`;
};

const CONFIG = 'etc/bird/lab.conf';
const BIRD = ['sh', '-c', `mkdir -p /run/bird && exec bird -c /${CONFIG}`];

/** Real BIRD daemons: each node speaks BGP with every router it has a card to. */
const birdNode: Datapath['node'] = (topology, node) => {
  const hops = (topology.nodes.length - 1) * (topology.routers?.length ?? 0);
  return {
    files: [...files(node), {path: CONFIG, text: nodeConfig(topology, node)}],
    plugins,
    links: [],
    rules: rules(topology),
    daemons: [BIRD],
    settled: ['sh', '-c', `test "$(ip route show proto bird | grep -c 'nexthop via')" -ge ${hops}`],
  };
};

export const routed: Datapath = {node: routedNode};

const birdRouter = (topology: Topology, router: MachinePlan): Wiring => ({
  files: [{path: CONFIG, text: routerConfig(topology, router)}],
  links: [],
  daemons: [BIRD],
});

export const bird: Datapath = {node: birdNode, router: birdRouter};
