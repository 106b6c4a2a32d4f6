import type {Gap} from '../facts/evidence.ts';
import type {Snapshot} from '../facts/snapshot.ts';
import {PASTED_STEP} from '../wire/source.ts';
import type {GraphNode, Namespace} from './graph.ts';

/** What a node shows when it is read: what is missing without it, and what a person would paste for it. */
const READ: readonly (readonly [
  fact: string,
  has: (snapshot: Snapshot) => unknown,
  missing: string,
  paste: string,
])[] = [
  ['identity', ({identity}) => identity, 'its kernel and system', '`uname -a`'],
  ['sockets', ({sockets}) => sockets, 'its sockets', '`ss -tunapie` or `netstat -antup`'],
  ['owners', ({owners}) => owners, 'who holds its sockets', '`ss -tunapie` or `netstat -antup` (as root)'],
  ['processes', ({processes}) => processes, 'its processes', '`ps -ef`'],
  ['network', node => host(node)?.links, 'its interfaces', '`ip -d -s addr` or `ifconfig -a`'],
  ['network', node => host(node)?.routes, 'its routes', '`ip route show table all`'],
  ['network', node => host(node)?.neighbours, 'its neighbours', '`ip neigh`'],
  ['network', node => host(node)?.rules, 'its policy rules', '`ip rule`'],
  [
    'namespaces',
    ({members}) => members,
    'which process is in which network namespace, and so what is inside of its pods',
    "`stat -L -c '%n %i' /proc/[0-9]*/ns/net`",
  ],
  [
    'sandboxes',
    ({sandboxes}) => sandboxes,
    'its pods, as its container runtime knows them',
    '`kubectl get pods -A -o json`, or the directories below /run/containerd/io.containerd.runtime.v2.task/k8s.io,',
  ],
  ['netfilter', node => host(node)?.netfilter, 'the rules by which it translates', '`iptables-save`'],
  ['conntrack', ({conntrack}) => conntrack, 'which connections it translates', '`conntrack -L`'],
];

function host({hostNetns, netns}: Snapshot) {
  return hostNetns === undefined ? undefined : netns.get(hostNetns);
}

/** Is what is known of a node what somebody pasted? */
export function isPasted({state, step}: GraphNode): boolean {
  return state === 'ready' && step === PASTED_STEP;
}

/** What was not pasted of a node, each with what would reveal it; one gap a fact. */
export function pastedGaps(node: GraphNode): Gap[] {
  const {snapshot} = node;
  if (!snapshot || !isPasted(node)) return [];
  const missing = Map.groupBy(
    READ.filter(([, has]) => has(snapshot) === undefined),
    ([fact]) => fact,
  );
  const own = [...missing].map(([fact, rows]) => ({
    node: node.id,
    fact,
    reason: `Not pasted of ${node.name}: ${rows.map(([, , what]) => what).join(', ')}.`,
    reveal: `Paste ${rows.map(([, , , paste]) => paste).join(', ')} of ${node.name}.`,
  }));
  const others = node.namespaces.filter(one => one.kind === 'other' && inside(one).length > 0);
  return [
    ...own,
    ...node.namespaces.filter(one => one.kind === 'pod').flatMap(inside),
    ...(others.length > 3 ? [many(node, others)] : others.flatMap(inside)),
  ];
}

/** Namespaces that no pod is known to be in, all as one. */
function many(node: GraphNode, others: readonly Namespace[]): Gap {
  return {
    node: node.id,
    fact: 'namespaces',
    reason: `Not pasted of ${node.name}: what is inside of ${others.length} other network namespaces.`,
    reveal: `Paste \`nsenter -t PID -n ip -d -s addr\` and \`nsenter -t PID -n ss -tunapie\`, each with a process that is in it.`,
  };
}

/** The same of a namespace other than the node's own. */
function inside(namespace: Namespace): Gap[] {
  const {node, inode, pods, pids, facts} = namespace;
  const name = pods.length === 1 ? pods[0]!.key : `namespace ${inode} of ${node.name}`;
  const enter = `nsenter -t ${pids[0] ?? 'PID'} -n`;
  const gap = (fact: string, what: string, command: string): Gap => ({
    node: node.id,
    fact,
    netns: inode,
    reason: `Not pasted of ${name}: ${what}.`,
    reveal: `Paste \`${enter} ${command}\` of ${node.name}.`,
  });
  return [
    ...(facts?.links ? [] : [gap('network', 'its interfaces, addresses and routes', 'ip -d -s addr')]),
    ...(node.snapshot?.sockets?.value.netns.includes(inode)
      ? []
      : [gap('sockets', 'its sockets', 'ss -tunapie')]),
  ];
}
