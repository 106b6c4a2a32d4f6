import * as v from 'valibot';
import type {Graph, Pod} from '../model/graph.ts';
import {JOINS} from '../model/joins.ts';
import {endpointText} from '../model/words.ts';
import type {Answer} from './answer.ts';
import {type Definition, isMissing} from './definition.ts';
import {gapsFor} from './gaps.ts';
import {goneFrom} from './gone.ts';
import {type Group, groupCalled, groupNames} from './groups.ts';
import {regionOf} from './interfaces.ts';
import {near} from './names.ts';
import {type Peer, PeerRow, peersOf} from './peer-rows.ts';
import {base, Grade, list, maybe, text} from './schema.ts';
import {resolve, type Scope, scopeWords} from './scope.ts';
import type {ServiceRow} from './service-rows.ts';
import type {SocketRow} from './socket-rows.ts';
import {inNamespace, ofPod, pick, socketsOf} from './socket-select.ts';
import {socketWorld} from './sockets-world.ts';
import {callsOf} from './translations.ts';

const Peers = v.object({
  ...base,
  of: v.object({
    kind: v.picklist(['node', 'pod', 'process', 'netns', 'service', 'workload', 'namespace']),
    words: text('Whose peers they are.'),
    grade: v.optional(Grade),
    why: maybe.text('How it is known what belongs to it, where that is not plain.'),
    pods: v.optional(v.pipe(list(v.string()), v.description('Pods that belong to it.'))),
  }),
  peers: list(PeerRow),
});
export type PeersAnswer = Answer & v.InferOutput<typeof Peers>;

const READ = ['sockets', 'owners', 'memberships', 'namespaces', 'conntrack'] as const;

export const peers: Definition<PeersAnswer> = {
  name: 'peers',
  usage: 'peers NS/POD|NODE:PID|NODE|service/NS/NAME|workload/NS/NAME|namespace/NS',
  summary:
    'Who a pod, process, node, service, workload or namespace talks to: one row each, with direction, ports and worst figures.',
  words: [1, 1],
  schema: Peers,
  ask(graph, [word]) {
    const scope = resolve(graph, word, ['node', 'pod', 'netns', 'process']);
    if (isMissing(scope)) {
      const group = groupCalled(graph, word!);
      if (group === undefined) {
        const near_ = near(groupNames(graph), word!, 3);
        return {...scope, suggestions: [...new Set([...scope.suggestions, ...near_])]};
      }
      return isMissing(group)
        ? group
        : group.kind === 'service'
          ? callersOf(graph, group)
          : ofPods(graph, group);
    }
    if (scope.kind === 'all') return {missing: 'Whose peers?', suggestions: []};
    const words = scopeWords(scope);
    const host = scope.kind === 'node' ? scope.node.host : undefined;
    // A node's peers are those of its own namespace: its pods have peers of their own.
    const sockets =
      scope.kind === 'node'
        ? pick(graph, host ? [scope.node] : [], () => inNamespace(host!))
        : socketsOf(graph, scope);
    const addresses = new Set(
      scope.kind === 'pod' && !scope.pod.hostNetwork
        ? scope.pod.addresses
        : scope.kind === 'node'
          ? scope.node.addresses
          : [],
    );
    return {
      question: {name: 'peers', words},
      at: graph.at,
      gaps: gapsFor(graph, READ, {...regionOf(scope), talks: true}),
      of: {kind: scope.kind, words: words[0]!},
      peers: peersOf(graph, sockets, peer => isSelf(scope, peer), {
        gone: goneFrom(graph.nodes, addresses, sockets),
      }),
    };
  },
};

/** Pods that talk among themselves are no peers of what they make up. */
function ofPods(graph: Graph, group: Extract<Group, {pods: readonly Pod[]}>): PeersAnswer {
  const {kind, words, pods, grade, why} = group;
  const keys = new Set(pods.map(pod => pod.key));
  const sockets = pick(graph, graph.nodes, node => {
    const tests = pods.filter(pod => pod.node === node).map(ofPod);
    return row => tests.some(test => test(row));
  });
  const addresses = new Set(pods.flatMap(pod => (pod.hostNetwork ? [] : pod.addresses)));
  return {
    question: {name: 'peers', words: [words]},
    at: graph.at,
    gaps: gapsFor(graph, READ, {nodes: [...new Set(pods.map(pod => pod.node))], talks: true}),
    of: {kind, words, grade, why, pods: [...keys].sort()},
    peers: peersOf(graph, sockets, peer => peer.kind === 'pod' && keys.has(peer.words), {
      gone: goneFrom(graph.nodes, addresses, sockets),
    }),
  };
}

/** Who calls a service: from the sockets of its backends, and from callers whose call found no socket there. */
function callersOf(graph: Graph, group: Extract<Group, {kind: 'service'}>): PeersAnswer {
  const {kind, words, rows, grade, why} = group;
  const pods = new Set(rows.flatMap(row => row.backends.flatMap(one => one.pod ?? [])));
  const world = socketWorld(graph);
  const called = calledKeys(graph, rows);
  const sockets = pick(graph, graph.nodes, node => row => {
    const ends = graph.ends[node.index]!;
    const joined = JOINS[ends.join[row]!]!.key === 'tracked' && ends.served[row] === 0;
    // A caller whose call was joined is told of by the socket that serves it.
    return !joined && callsOf(world, node.index, row).some(key => called.has(key));
  });
  return {
    question: {name: 'peers', words: [words]},
    at: graph.at,
    gaps: gapsFor(graph, [...READ, 'netfilter'], {talks: true}),
    of: {kind, words, grade, why, pods: [...pods].sort()},
    peers: peersOf(graph, sockets, () => false, {callers: isCaller}),
  };
}

/** `PROTOCOL ADDRESS PORT` of all that a service is called by. */
function calledKeys(graph: Graph, rows: readonly ServiceRow[]): ReadonlySet<string> {
  return new Set(
    rows.flatMap(({address, protocol, port, nodes}) =>
      (address === undefined
        ? graph.nodes.filter(({name}) => nodes.includes(name)).flatMap(node => node.addresses)
        : [address]
      ).map(one => `${protocol} ${one} ${port}`),
    ),
  );
}

function isCaller({local, localPort, other}: SocketRow): boolean {
  const [first] = other.translations;
  return first === undefined || first.source === endpointText(local, localPort);
}

/** Talking to oneself is no peer. */
function isSelf(scope: Scope, peer: Peer): boolean {
  if (scope.kind === 'node') return peer.node === scope.node.name && peer.netns === scope.node.host?.inode;
  return peer.words === scopeWords(scope)[0];
}
