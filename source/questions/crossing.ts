import type {Grade, Graph, GraphNode, Interface, Namespace} from '../model/graph.ts';
import {sameAddress} from '../model/tuples.ts';
import {isLoopback, wordsOf} from '../model/words.ts';
import {peerOf} from './interface-rows.ts';
import type {SocketList} from './socket-rows.ts';
import {type Chooses, inNamespace, pick} from './socket-select.ts';

export type Crossing = {readonly grade: Grade; readonly why: string; readonly sockets: SocketList};

/**
 * The connections whose packets cross an interface, as far as the kernel's facts prove it without working out routes:
 * everything that leaves a namespace with one way out crosses that way, at both of its ends.
 */
export function crossing(graph: Graph, iface: Interface): Crossing {
  const {namespace, link} = iface;
  const {node} = namespace;
  if (link.flags.includes('LOOPBACK')) {
    return {
      grade: 'proven',
      why: 'what a namespace sends to itself crosses its loopback',
      sockets: pick(graph, [node], one => choose(namespace, staysInside(one, namespace))),
    };
  }
  const ports = namespace.interfaces.filter(port => port.link.master === link.name);
  if (ports.length > 0) return behindPorts(graph, iface, ports);
  const peer = peerOf(graph, iface);
  const behind = peer && peer.namespace !== namespace && peer.namespace.kind !== 'host' ? peer : undefined;
  const end = behind ?? (namespace.kind === 'host' ? undefined : iface);
  return end ? throughEnd(graph, iface, end) : byAddress(graph, iface);
}

/** Everything that leaves the namespace in which `end` is, when `end` is the only way out. */
function throughEnd(graph: Graph, iface: Interface, end: Interface): Crossing {
  const inside = end.namespace;
  const ways = inside.interfaces.filter(
    one => !one.link.flags.includes('LOOPBACK') && one.link.flags.includes('UP'),
  );
  if (ways.length > 1) {
    return {
      ...byAddress(graph, end),
      why: `${inside.node.name}/${inside.inode} has ${ways.length} ways out: those whose local address is on ${end.link.name}`,
    };
  }
  const pair = graph.pairs.get(iface);
  return {
    grade: end === iface || pair?.grade === 'proven' ? 'proven' : 'inferred',
    why: `${end.link.name} is the only way out of its namespace: everything that leaves it`,
    sockets: pick(graph, [inside.node], one => choose(inside, leaves(one, inside))),
  };
}

function behindPorts(graph: Graph, bridge: Interface, ports: readonly Interface[]): Crossing {
  const {node} = bridge.namespace;
  const insides = ports.flatMap(port => peerOf(graph, port)?.namespace ?? []);
  const tests = insides.map(inside => choose(inside, leaves(node, inside)));
  return {
    grade: 'inferred',
    why: `connections of the ${insides.length} namespaces behind its ${ports.length} ports; which of them stay on the bridge and which are routed on is not worked out`,
    sockets: pick(graph, [node], () => row => tests.some(test => test(row))),
  };
}

function byAddress(graph: Graph, iface: Interface): Crossing {
  const {namespace} = iface;
  const own = iface.addresses.flatMap(({address}) => {
    const words = wordsOf(address);
    return words ? [Uint32Array.from(words)] : [];
  });
  const table = namespace.node.snapshot?.sockets?.value;
  const local: Chooses = row => own.some(words => sameAddress(table!.local, row, words, 0));
  const out = leaves(namespace.node, namespace);
  return {
    grade: own.length > 0 ? 'inferred' : 'unknown',
    why:
      own.length > 0
        ? 'connections whose local address is on it; what is forwarded through it (pods, tunnels) is not worked out'
        : 'it has no address, and what is forwarded through it is not worked out',
    sockets: pick(graph, [namespace.node], () => choose(namespace, row => local(row) && out(row))),
  };
}

function choose(namespace: Namespace, test: Chooses): Chooses {
  const inside = inNamespace(namespace);
  return row => inside(row) && test(row);
}

/** Connected, to neither loopback nor an address of the namespace itself. */
function leaves(node: GraphNode, namespace: Namespace): Chooses {
  const stays = staysInside(node, namespace);
  const table = node.snapshot?.sockets?.value;
  return row => table!.remotePort[row] !== 0 && !stays(row);
}

function staysInside(node: GraphNode, namespace: Namespace): Chooses {
  const table = node.snapshot?.sockets?.value;
  const own = namespace.interfaces
    .flatMap(iface => iface.addresses)
    .flatMap(({address}) => {
      const words = wordsOf(address);
      return words ? [Uint32Array.from(words)] : [];
    });
  return row =>
    table!.remotePort[row] !== 0 &&
    (isLoopback(table!.remote, row) || own.some(words => sameAddress(table!.remote, row, words, 0)));
}
