import * as v from 'valibot';
import type {Answer} from './answer.ts';
import {type Definition, isMissing} from './definition.ts';
import {gapsFor} from './gaps.ts';
import {regionOf} from './interfaces.ts';
import {type Peer, PeerRow, peersOf} from './peer-rows.ts';
import {base, list, text} from './schema.ts';
import {resolve, type Scope, scopeWords} from './scope.ts';
import {inNamespace, pick, socketsOf} from './socket-select.ts';

const Peers = v.object({
  ...base,
  of: v.object({kind: v.picklist(['node', 'pod', 'process', 'netns']), words: text('Whose peers they are.')}),
  peers: list(PeerRow),
});
export type PeersAnswer = Answer & v.InferOutput<typeof Peers>;

export const peers: Definition<PeersAnswer> = {
  name: 'peers',
  usage: 'peers NS/POD|NODE:PID|NODE',
  summary: 'Who a pod, a process or a node talks to: one row each, with direction, ports and worst figures.',
  words: [1, 1],
  schema: Peers,
  ask(graph, [word]) {
    const scope = resolve(graph, word, ['node', 'pod', 'netns', 'process']);
    if (isMissing(scope)) return scope;
    if (scope.kind === 'all') return {missing: 'Whose peers?', suggestions: []};
    const words = scopeWords(scope);
    const host = scope.kind === 'node' ? scope.node.host : undefined;
    // A node's peers are those of its own namespace: its pods have peers of their own.
    const sockets =
      scope.kind === 'node'
        ? pick(graph, host ? [scope.node] : [], () => inNamespace(host!))
        : socketsOf(graph, scope);
    return {
      question: {name: 'peers', words},
      at: graph.at,
      gaps: gapsFor(graph, ['sockets', 'owners', 'memberships', 'namespaces'], {
        ...regionOf(scope),
        talks: true,
      }),
      of: {kind: scope.kind, words: words[0]!},
      peers: peersOf(graph, sockets, peer => isSelf(scope, peer)),
    };
  },
};

/** Talking to oneself is no peer. */
function isSelf(scope: Scope, peer: Peer): boolean {
  if (scope.kind === 'node') return peer.node === scope.node.name && peer.netns === scope.node.host?.inode;
  return peer.words === scopeWords(scope)[0];
}
