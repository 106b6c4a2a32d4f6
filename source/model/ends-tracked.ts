import {UDP as TRACKED_UDP} from '../facts/conntrack/table.ts';
import {STATES} from '../facts/sockets.ts';
import type {Ends, Joining} from './ends.ts';
import {createFlows, destinationPort, newFlow, receivedBy, sentBy} from './flows.ts';
import {JOIN} from './joins.ts';
import {createSteps, createTracks, phaseOf, type Steps, type Tracked, type Way} from './tracked.ts';
import {addressText, isLoopbackAt} from './words.ts';

const SYN_SENT = STATES.indexOf('SYN-SENT');
const TIME_WAIT = STATES.indexOf('TIME-WAIT');

export type TrackedJoins = {
  readonly steps: Steps;
  /** Has conntrack seen no answer to what a socket sends? */
  unanswered(node: number, row: number): boolean;
  /** What is to be said of the address that a socket in `place` calls and that nobody read has; undefined: not known. */
  elsewhere(node: number, row: number, place: number): number | undefined;
  /** Address of the far end of a socket's translations. */
  farEnd(end: Ends, row: number): string | undefined;
};

/**
 * Joins what is translated on the way, by what the nodes' kernels track: from a client by way of each translation to
 * the socket at its end; for servers whose client has no socket here, backwards. A pair found so is proven, as the
 * entries name both 4-tuples. Sockets that are joined already are left alone; time is linear in the others.
 */
export function joinTracked(joining: Joining, tracked: readonly (Tracked | undefined)[]): TrackedJoins {
  const {tables, ends, namespaces, placeOf, isLocal, holders, link, connected, listenersAt, unread} = joining;
  const tracks = createTracks(tracked);
  const steps = createSteps();
  const flow = newFlow();
  if (tracks.count > 0) {
    const sockets = indexUnjoined();
    connected((node, row, _, end) => {
      if (end.join[row] === JOIN.none) forward(node, row, end, sockets);
    });
    keepSingle();
    connected((node, row, _, end) => {
      if (end.join[row] === JOIN.none) backward(node, row, end);
    });
  }
  const finished = steps.finish();
  return {
    steps: finished,
    unanswered(node, row) {
      sentBy(tables[node]!, row, flow);
      const step = tracks.at(flow, node);
      return step !== undefined && phaseOf(tracked[step.node]!.table, step.entry) === 'unanswered';
    },
    elsewhere(node, row, place) {
      const mine = tracked[node];
      if (!mine) return undefined;
      if (mine.ebpf) return JOIN.ebpf;
      // A namespace passes through the node's own conntrack, unless nothing there is tracked at all.
      if (mine.table.netns.length === 0 || place < 0) return undefined;
      if (mine.current) return JOIN.beyond;
      // An older table may lack what was translated since: only an entry of this very flow says that it is not.
      sentBy(tables[node]!, row, flow);
      if (tracks.at(flow, node) !== undefined) return JOIN.beyond;
      receivedBy(tables[node]!, row, flow);
      return tracks.at(flow, node) === undefined ? JOIN['not-yet'] : JOIN.beyond;
    },
    farEnd(end, row) {
      const first = end.step[row]!;
      if (first < 0) return undefined;
      let at = first;
      if (end.served[row] === 0) while (finished.next[at]! >= 0) at = finished.next[at]!;
      const {table} = tracked[finished.node[at]!]!;
      const entry = finished.entry[at]!;
      const column = end.served[row] === 0 ? table.replySource : table.source;
      return addressText(column, entry, table.family[entry]!);
    },
  };

  /** Sockets without another end, by what they receive. */
  function indexUnjoined() {
    let count = 0;
    connected((_, row, __, end) => {
      if (end.join[row] === JOIN.none) count += 1;
    });
    const sockets = createFlows(count, (node, row, into) => receivedBy(tables[node]!, row, into));
    connected((node, row, _, end) => {
      if (end.join[row] === JOIN.none) sockets.add(node, row);
    });
    return sockets;
  }

  function forward(node: number, row: number, end: Ends, sockets: ReturnType<typeof createFlows>): void {
    sentBy(tables[node]!, row, flow);
    const place = placeOf(node, row);
    const way = tracks.follow(flow, node, place, true);
    if (way.forked) {
      end.join[row] = JOIN.ambiguous;
      return;
    }
    if (way.chain.length === 0) return;
    end.step[row] = steps.add(way.chain);
    const stays = isLoopbackAt(flow, 1) || isLoopbackAt(flow, 5);
    let [found, foundNode, foundRow] = [0, -1, -1];
    sockets.each(flow, (otherNode, otherRow) => {
      if (otherNode === node && otherRow === row) return;
      const there = placeOf(otherNode, otherRow);
      // What came out of a namespace's own translation to loopback stays there, and so does an address of one's own.
      if (there !== way.place && (stays || isLocal(otherNode, otherRow))) return;
      found += 1;
      foundNode = otherNode;
      foundRow = otherRow;
    });
    if (found === 1) {
      link(node, row, JOIN.tracked, foundNode, foundRow);
      return;
    }
    if (found > 1) end.join[row] = JOIN.ambiguous;
    else explain(node, row, end, way, 5);
  }

  /** A pair that two clients claim is nobody's; else the server's side is told of it. */
  function keepSingle(): void {
    const claimed = tables.map(table => new Uint8Array(table?.count ?? 0));
    connected((_, row, __, end) => {
      if (end.join[row] !== JOIN.tracked) return;
      const claims = claimed[end.node[row]!]!;
      claims[end.row[row]!] = Math.min(2, claims[end.row[row]!]! + 1);
    });
    connected((node, row, _, end) => {
      if (end.join[row] !== JOIN.tracked || end.served[row] === 1) return;
      const [otherNode, otherRow] = [end.node[row]!, end.row[row]!];
      const other = ends[otherNode]!;
      if (claimed[otherNode]![otherRow] === 1) {
        link(otherNode, otherRow, JOIN.tracked, node, row);
        other.step[otherRow] = end.step[row]!;
        other.served[otherRow] = 1;
        return;
      }
      end.join[row] = JOIN.ambiguous;
      end.node[row] = -1;
      end.row[row] = -1;
      end.place[row] = -1;
    });
  }

  /** The client of a translated connection was not found among the sockets: where it should be. */
  function backward(node: number, row: number, end: Ends): void {
    receivedBy(tables[node]!, row, flow);
    const way = tracks.follow(flow, node, placeOf(node, row), false);
    if (way.forked) {
      end.join[row] = JOIN.ambiguous;
      return;
    }
    if (way.chain.length === 0) return;
    end.step[row] = steps.add(way.chain);
    end.served[row] = 1;
    explain(node, row, end, way, 1);
  }

  /** No socket is at the far end of `flow`, whose address begins at word `at` of it: where it is, and why it is missing. */
  function explain(node: number, row: number, end: Ends, way: Way, at: 1 | 5): void {
    const words = flow.subarray(at, at + 4);
    const places = way.place >= 0 && isLoopbackAt(flow, at) ? [way.place] : (holders(words, 0) ?? []);
    if (places.length !== 1) {
      end.join[row] = places.length === 0 ? JOIN['tracked-outside'] : JOIN.shared;
      return;
    }
    const place = places[0]!;
    end.place[row] = place;
    const last = way.chain.at(-1)!;
    const phase = phaseOf(tracked[last.node]!.table, last.entry);
    if (at === 5 && flow[0] === TRACKED_UDP) {
      const open = listenersAt(place, 1, destinationPort(flow), words, 0);
      if (open.length === 1) {
        link(node, row, JOIN['tracked-server'], open[0]!.node, open[0]!.row);
        return;
      }
    }
    const closed = tables[node]!.state[row] === TIME_WAIT || phase === 'closing';
    const silent = phase === 'unanswered' || tables[node]!.state[row] === SYN_SENT;
    end.join[row] = closed
      ? JOIN['tracked-closed']
      : unread(namespaces[place]!, node)
        ? JOIN['tracked-unread']
        : silent
          ? JOIN['tracked-silent']
          : JOIN['tracked-half'];
  }
}
