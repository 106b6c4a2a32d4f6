import * as v from 'valibot';
import {MEANS, refusals} from '../facts/rights.ts';
import type {Graph, GraphNode} from '../model/graph.ts';
import {CLUSTER} from '../wire/source.ts';
import {apiResources, kubeGrant, nodeGrants} from './access-grants.ts';
import {ReadRow, readRows} from './access-reads.ts';
import {type Definition, isMissing} from './definition.ts';
import {gapsFor} from './gaps.ts';
import {identityEvidence} from './node-rows.ts';
import {base, count, Evidence, type EvidenceRow, flag, list, maybe, text} from './schema.ts';
import {resolve, scopeWords} from './scope.ts';

const NodeAccess = v.object({
  name: text('The node, by name.'),
  state: text('How it is reached.'),
  user: maybe.text('The user who logged in.'),
  uid: maybe.count('User id that reads run as; 0 is root.'),
  means: v.optional(
    v.pipe(
      v.picklist(MEANS),
      v.description(
        'By what reads run as that user. login: root logged in. sudo, doas: without a password. sudo-password: with the one that the person gave. none: none of these.',
      ),
    ),
  ),
  refusals: v.pipe(list(v.string()), v.description('Why nobody became root, each a clause.')),
  whole: count('Facts that were read whole, or have nothing to tell.'),
  partly: count('Facts that were read in part.'),
  unread: count('Facts that could not be read.'),
  evidence: v.pipe(list(Evidence), v.description('Where it says who reads it, and by what.')),
});
export type NodeAccess = v.InferOutput<typeof NodeAccess>;

const Access = v.object({
  ...base,
  nodes: list(NodeAccess),
  reads: list(ReadRow),
  api: v.object({
    asked: flag('Whether the Kubernetes API was asked.'),
    resources: list(
      v.object({
        resource: text('What is listed and watched.'),
        group: text('Its API group; empty for the core.'),
        read: flag('Whether all of it was told.'),
        reasons: list(v.string()),
      }),
    ),
  }),
  grants: v.pipe(
    list(
      v.object({
        kind: v.picklist(['sudoers', 'doas', 'kubernetes']),
        file: text('Where the lines go.'),
        nodes: list(v.string()),
        lines: list(v.string()),
        amountsToRoot: flag('Whether whoever has it can do what root can.'),
        why: text('What it gives away.'),
        check: text('A command that checks the lines before they count.'),
      }),
    ),
    v.description('The smallest rights with which everything can be read.'),
  ),
});
export type AccessAnswer = v.InferOutput<typeof Access>;

export const access: Definition<AccessAnswer> = {
  name: 'access',
  usage: 'access [NODE]',
  summary: 'What can be read and what not, by which right, and the smallest rights that suffice.',
  words: [0, 1],
  schema: Access,
  ask(graph, [word]) {
    const scope = resolve(graph, word, ['node']);
    if (isMissing(scope)) return scope;
    const nodes = (scope.kind === 'node' ? [scope.node] : graph.nodes).filter(
      ({state}) => state !== 'listed',
    );
    return {
      question: {name: 'access', words: scopeWords(scope)},
      at: graph.at,
      gaps: gapsFor(graph, [...new Set(graph.gaps.map(gap => gap.fact))], {nodes}),
      nodes: nodes.map(nodeAccess),
      reads: nodes.flatMap(readRows),
      api: apiAccess(graph),
      grants: [...nodeGrants(nodes), kubeGrant()],
    };
  },
};

function nodeAccess(node: GraphNode): NodeAccess {
  const {uid, rights} = node.snapshot?.identity?.value ?? {};
  const rows = readRows(node);
  const among = (...all: readonly ReadRow['status'][]) =>
    rows.filter(({status}) => all.includes(status)).length;
  return {
    name: node.name,
    state: node.state,
    user: rights?.user,
    uid,
    means: rights?.means,
    refusals: rights === undefined ? [] : refusals(rights),
    whole: among('read', 'nothing'),
    partly: among('partly'),
    unread: among('refused', 'failed'),
    evidence: whoEvidence(node),
  };
}

function whoEvidence(node: GraphNode): EvidenceRow[] {
  const identity = node.snapshot?.identity;
  const span = identity?.value.rights?.span;
  if (!identity || !span) return identityEvidence(node);
  return [{node: node.id, fact: 'identity', sweep: identity.sweep, from: span.from, to: span.to}];
}

function apiAccess(graph: Graph): AccessAnswer['api'] {
  const gaps = graph.gaps.filter(({node}) => node === CLUSTER);
  const asked = graph.cluster !== undefined || gaps.length > 0;
  return {
    asked,
    resources: apiResources().map(({group, resource}) => {
      const mine = gaps.filter(({fact, reason}) => fact === 'kube-api' || names(reason, resource));
      return {group, resource, read: asked && mine.length === 0, reasons: mine.map(({reason}) => reason)};
    }),
  };
}

const names = (reason: string, resource: string) => new RegExp(`\\b${resource}\\b`).test(reason);
