import {type SocketTable, STATES} from '../facts/sockets.ts';
import {joinTracked} from './ends-tracked.ts';
import type {Namespace} from './graph.ts';
import {JOIN} from './joins.ts';
import type {Steps, Tracked} from './tracked.ts';
import {createSingles, createTuples, sameAddress} from './tuples.ts';
import type {Hideout} from './unseen.ts';
import {addressText, isLoopback, wordsOf} from './words.ts';

/** The other end of every socket of one node, by row of its table: columns, as the sockets themselves. */
export type Ends = {
  /** Index into `JOINS`. */
  readonly join: Uint8Array;
  /** Node index and row of the other end's socket; -1 when no single one was found. */
  readonly node: Int32Array;
  readonly row: Int32Array;
  /** `Namespace.index` that the other end is in, also when its socket was not found; -1 when not known. */
  readonly place: Int32Array;
  /** Index into `hidden`: the nodes that it may be on though their interfaces do not show it; -1 when there are none. */
  readonly hideout: Int16Array;
  readonly hidden: readonly (readonly number[])[];
  /** Where the translations on its way begin in `steps`; -1 when none were met. */
  readonly step: Int32Array;
  /** 1 for a socket at the server's side of its `step`, whose far end is the first step's source. */
  readonly served: Uint8Array;
  readonly steps: Steps;
};

/** One node's sockets with the namespace of each `netnsIndex`. */
export type Seen = {readonly table: SocketTable; readonly netns: readonly Namespace[]};

/** What joins by conntrack take from the joins by sockets alone. */
export type Joining = {
  readonly tables: readonly (SocketTable | undefined)[];
  readonly ends: readonly Ends[];
  readonly namespaces: readonly Namespace[];
  readonly placeOf: (node: number, row: number) => number;
  readonly isLocal: (node: number, row: number) => boolean;
  /** Namespaces that hold the address at a row of an address column. */
  readonly holders: (column: Uint32Array, row: number) => readonly number[] | undefined;
  readonly link: (node: number, row: number, join: number, otherNode: number, otherRow: number) => void;
  readonly connected: (visit: (node: number, row: number, table: SocketTable, end: Ends) => void) => void;
  readonly listenersAt: (
    place: number,
    protocol: number,
    port: number,
    address: Uint32Array,
    row: number,
  ) => readonly {node: number; row: number}[];
  readonly unread: (namespace: Namespace, from: number) => boolean;
};

const SYN_SENT = STATES.indexOf('SYN-SENT');
const TIME_WAIT = STATES.indexOf('TIME-WAIT');
const UDP = 1;
/** Nobody read has the address. */
const NOWHERE: ReadonlySet<number> = new Set([JOIN.outside, JOIN.beyond, JOIN['not-yet']]);

/**
 * Joins both ends of every connection over all nodes by protocol and 4-tuple, in time linear in the sockets and
 * without an object for each. What is sent to an address that its own namespace holds (or to loopback) never leaves
 * that namespace (the kernel's `local` table comes first, `ip-rule(8)`), so such sockets are joined only inside it.
 * `namespaces` is by `Namespace.index`; `byAddress` holds no loopback; `unread` tells namespaces whose sockets could not be read,
 * or not as late as those of the node `from`; `hideout` where an address that none of them has may be (`hideouts`).
 */
export function joinEnds(
  seen: readonly (Seen | undefined)[],
  namespaces: readonly Namespace[],
  byAddress: ReadonlyMap<string, readonly Namespace[]>,
  unread: (namespace: Namespace, from: number) => boolean,
  hideout?: (address: string) => Hideout | undefined,
  tracked: readonly (Tracked | undefined)[] = [],
): Ends[] {
  const tables = seen.map(node => node?.table);
  const hidden: number[][] = [];
  const steps: {-readonly [K in keyof Steps]: Steps[K]} = {...NO_STEPS};
  const ends = tables.map(table => emptyEnds(table?.count ?? 0, hidden, steps));
  const holders = indexAddresses(byAddress);
  const placeOf = (node: number, row: number) => seen[node]!.netns[tables[node]!.netnsIndex[row]!]!.index;
  const isLocal = (node: number, row: number) => {
    const {remote} = tables[node]!;
    return isLoopback(remote, row) || (holders(remote, row)?.includes(placeOf(node, row)) ?? false);
  };
  const link = (node: number, row: number, join: number, otherNode: number, otherRow: number) => {
    const end = ends[node]!;
    end.join[row] = join;
    end.node[row] = otherNode;
    end.row[row] = otherRow;
    end.place[row] = placeOf(otherNode, otherRow);
  };
  const connected = (visit: (node: number, row: number, table: SocketTable, end: Ends) => void) => {
    tables.forEach((table, node) => {
      for (let row = 0; row < (table?.count ?? 0); row += 1) {
        if (table!.remotePort[row] !== 0) visit(node, row, table!, ends[node]!);
      }
    });
  };

  joinExact();
  keepMutual();
  const listeners = indexListeners();
  const tracks = joinTracked(
    {tables, ends, namespaces, placeOf, isLocal, holders, link, connected, listenersAt: listeners.at, unread},
    tracked,
  );
  Object.assign(steps, tracks.steps);
  connected((node, row, _, end) => {
    if (end.join[row] === JOIN.none) explain(node, row);
  });
  joinTranslated();
  if (tracked.some(one => one !== undefined)) {
    connected((node, row, _, end) => {
      if (end.join[row] === JOIN.outside)
        end.join[row] = tracks.elsewhere(node, row, placeOf(node, row)) ?? JOIN.outside;
    });
  }
  if (hideout) suspect(hideout);
  return ends;

  /** What seems translated or outside may be on a node that was not read: never claimed to be elsewhere. */
  function suspect(hideoutOf: (address: string) => Hideout | undefined): void {
    const codes = new Map<string, number>();
    const known = new Map<string, Hideout | undefined>();
    connected((_, row, table, end) => {
      const away = end.join[row] === JOIN['tracked-outside'];
      if (!away && !NOWHERE.has(end.join[row]!)) return;
      const far = away ? tracks.farEnd(end, row) : undefined;
      const address = far ?? addressText(table.remote, row, table.family[row]!);
      if (!known.has(address)) known.set(address, hideoutOf(address));
      const found = known.get(address);
      if (!found) return;
      const indexes = found.nodes.map(one => one.index);
      let code = codes.get(indexes.join());
      if (code === undefined) {
        code = hidden.push(indexes) - 1;
        codes.set(indexes.join(), code);
      }
      end.join[row] = JOIN[found.how];
      end.hideout[row] = code;
    });
  }

  function joinExact(): void {
    let count = 0;
    connected(() => {
      count += 1;
    });
    const tuples = createTuples(tables, count);
    connected((node, row) => tuples.add(node, row));
    let [mine, local, found, foundNode, foundRow] = [0, false, 0, -1, -1];
    const consider = (node: number, row: number) => {
      const place = placeOf(node, row);
      // From either side: an address of one's own is never somebody else's.
      if (place !== mine && (local || isLocal(node, row))) return;
      found += 1;
      foundNode = node;
      foundRow = row;
    };
    connected((node, row, _, end) => {
      mine = placeOf(node, row);
      local = isLocal(node, row);
      found = 0;
      tuples.mirrored(node, row, consider);
      if (found === 1) link(node, row, JOIN.both, foundNode, foundRow);
      else if (found > 1) end.join[row] = JOIN.ambiguous;
    });
  }

  /** Of two sockets that fit one, neither is its end for certain: what is ambiguous from one side is so from both. */
  function keepMutual(): void {
    connected((node, row, _, end) => {
      if (end.join[row] !== JOIN.both) return;
      const other = ends[end.node[row]!]!;
      if (other.node[end.row[row]!] === node && other.row[end.row[row]!] === row) return;
      end.join[row] = JOIN.ambiguous;
      end.node[row] = -1;
      end.row[row] = -1;
      end.place[row] = -1;
    });
  }

  function explain(node: number, row: number): void {
    const table = tables[node]!;
    const end = ends[node]!;
    const places = isLocal(node, row) ? [placeOf(node, row)] : (holders(table.remote, row) ?? []);
    if (places.length !== 1) {
      end.join[row] = places.length === 0 ? JOIN.outside : JOIN.shared;
      return;
    }
    const place = places[0]!;
    end.place[row] = place;
    const open = listeners.at(place, table.protocol[row]!, table.remotePort[row]!, table.remote, row);
    if (table.protocol[row] === UDP) {
      const [first] = open;
      if (open.length === 1) link(node, row, JOIN.server, first!.node, first!.row);
      else end.join[row] = open.length > 1 ? JOIN.ambiguous : unreadOr(node, place, JOIN.silent);
      return;
    }
    const state = table.state[row];
    if (state === TIME_WAIT) {
      end.join[row] = JOIN.closed;
      return;
    }
    end.join[row] = unreadOr(
      node,
      place,
      state !== SYN_SENT
        ? JOIN.half
        : open.length === 0
          ? JOIN.silent
          : tracks.unanswered(node, row)
            ? JOIN.unanswered
            : JOIN.waiting,
    );
  }

  function unreadOr(from: number, place: number, join: number): number {
    return unread(namespaces[place]!, from) ? JOIN.unread : join;
  }

  /**
   * A client of a ClusterIP and the server behind it do not mirror each other, but where only the destination was
   * translated the server's remote is still the client's own address and port. The client's namespace need not have
   * been read whole for that, nor lately: its socket is in the table. Where something listens on the port of a TCP
   * socket, it is a server's own and calls nobody, however well another's remote fits it.
   */
  function joinTranslated(): void {
    let [servers, clients] = [0, 0];
    const isServer = (row: number, {protocol, state}: SocketTable, {join}: Ends) =>
      join[row] === JOIN.half ||
      (join[row] === JOIN.unread && protocol[row] !== UDP && state[row] !== SYN_SENT);
    const isClient = (node: number, row: number, {protocol, localPort}: SocketTable, {join}: Ends) =>
      join[row] === JOIN.outside &&
      (protocol[row] === UDP || !listeners.on(placeOf(node, row), protocol[row]!, localPort[row]!));
    connected((node, row, table, end) => {
      if (isServer(row, table, end)) servers += 1;
      if (isClient(node, row, table, end)) clients += 1;
    });
    if (servers === 0 || clients === 0) return;
    const byRemote = createSingles(tables, 'remote', servers);
    const byLocal = createSingles(tables, 'local', clients);
    connected((node, row, table, end) => {
      if (isServer(row, table, end)) byRemote.add(node, row);
      if (isClient(node, row, table, end)) byLocal.add(node, row);
    });
    connected((node, row, table, end) => {
      if (!isClient(node, row, table, end)) return;
      const only = byLocal.find(node, row, 'local');
      const server = byRemote.find(node, row, 'local');
      if (!only || !server || ends[server.node]!.place[server.row] !== placeOf(node, row)) return;
      link(node, row, JOIN.translated, server.node, server.row);
      link(server.node, server.row, JOIN.translated, node, row);
    });
  }

  function indexListeners() {
    const byPort = new Map<number, {node: number; row: number}[]>();
    const keyOf = (place: number, protocol: number, port: number) => (place * 2 + protocol) * 65_536 + port;
    tables.forEach((table, node) => {
      for (let row = 0; row < (table?.count ?? 0); row += 1) {
        // LISTEN and UNCONN alike: bound, and no remote.
        if (table!.remotePort[row] !== 0 || table!.localPort[row] === 0) continue;
        const key = keyOf(placeOf(node, row), table!.protocol[row]!, table!.localPort[row]!);
        const same = byPort.get(key);
        if (same) same.push({node, row});
        else byPort.set(key, [{node, row}]);
      }
    });
    return {
      /** Is the port bound in `place`, for any address? */
      on: (place: number, protocol: number, port: number) => byPort.has(keyOf(place, protocol, port)),
      /** Sockets in `place` that take what is sent to that port of the address at `row` of a column. */
      at(place: number, protocol: number, port: number, address: Uint32Array, row: number) {
        const found = byPort.get(keyOf(place, protocol, port)) ?? [];
        return found.filter(({node, row: other}) => {
          const bound = tables[node]!;
          if (isWildcard(bound.local, other)) {
            // 0.0.0.0 takes IPv4 alone, `*` both, and [::] of a socket that was told so IPv6 alone.
            const four = isMapped(address, row);
            return bound.family[other] === 4 ? four : !four || bound.v6only[other] === 0;
          }
          return sameAddress(bound.local, other, address, row);
        });
      },
    };
  }
}

const NO_STEPS: Steps = {node: new Int32Array(), entry: new Int32Array(), next: new Int32Array()};

function emptyEnds(count: number, hidden: Ends['hidden'], steps: Steps): Ends {
  const ints = () => new Int32Array(new SharedArrayBuffer(count * 4)).fill(-1);
  return {
    join: new Uint8Array(new SharedArrayBuffer(count)),
    node: ints(),
    row: ints(),
    place: ints(),
    hideout: new Int16Array(new SharedArrayBuffer(count * 2)).fill(-1),
    hidden,
    step: ints(),
    served: new Uint8Array(new SharedArrayBuffer(count)),
    steps,
  };
}

function isWildcard(column: Uint32Array, row: number): boolean {
  const at = row * 4;
  return column[at] === 0 && column[at + 1] === 0 && column[at + 2] === 0 && column[at + 3] === 0;
}

function isMapped(column: Uint32Array, row: number): boolean {
  const at = row * 4;
  return column[at] === 0 && column[at + 1] === 0 && column[at + 2] === 0xffff;
}

/** Namespaces (their indexes) that hold the address of a row, without making text of it. */
function indexAddresses(
  byAddress: ReadonlyMap<string, readonly Namespace[]>,
): (column: Uint32Array, row: number) => readonly number[] | undefined {
  const four = new Map<number, number[]>();
  const six = new Map<string, number[]>();
  for (const [address, namespaces] of byAddress) {
    const words = wordsOf(address);
    if (!words) continue;
    const indexes = namespaces.map(namespace => namespace.index);
    if (words[0] === 0 && words[1] === 0 && words[2] === 0xffff) four.set(words[3], indexes);
    else six.set(words.join(), indexes);
  }
  return (column, row) => {
    const at = row * 4;
    if (column[at] === 0 && column[at + 1] === 0 && column[at + 2] === 0xffff)
      return four.get(column[at + 3]!);
    return six.get(`${column[at]},${column[at + 1]},${column[at + 2]},${column[at + 3]}`);
  };
}
