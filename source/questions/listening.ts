import {isListening} from './socket-select.ts';
import type {SocketWorld} from './sockets-world.ts';

/**
 * Which side of a connection listens: this one, when its port is bound in its namespace by a socket without a remote;
 * else the other one, when that is so there, or when its socket was not seen and so cannot say otherwise.
 */
export function listeners(world: SocketWorld): (node: number, row: number) => 'in' | 'out' | undefined {
  const bound = boundPorts(world);
  return (node, row) => {
    const {table, ends, placeOf} = world.nodes[node]!;
    const protocol = table!.protocol[row]!;
    if (bound.has(boundKey(placeOf[table!.netnsIndex[row]!]!, protocol, table!.localPort[row]!))) return 'in';
    const other = world.nodes[ends!.node[row]!]?.table;
    if (!other) return 'out';
    return bound.has(boundKey(ends!.place[row]!, protocol, other.localPort[ends!.row[row]!]!))
      ? 'out'
      : undefined;
  };
}

const boundIn = new WeakMap<SocketWorld, ReadonlySet<number>>();

/** Ports bound without a remote, by namespace and protocol. */
export function boundPorts(world: SocketWorld): ReadonlySet<number> {
  const known = boundIn.get(world);
  if (known) return known;
  const bound = new Set<number>();
  for (const {table, placeOf} of world.nodes) {
    for (let row = 0; row < (table?.count ?? 0); row += 1) {
      if (!isListening(table!.state[row]!) || table!.remotePort[row] !== 0) continue;
      bound.add(boundKey(placeOf[table!.netnsIndex[row]!]!, table!.protocol[row]!, table!.localPort[row]!));
    }
  }
  boundIn.set(world, bound);
  return bound;
}

export function boundKey(place: number, protocol: number, port: number): number {
  return (place * 2 + protocol) * 65_536 + port;
}
