import * as v from 'valibot';
import {healthRoles} from '../cni/cilium-health.ts';
import type {Graph} from '../model/graph.ts';
import type {Missing} from './answer.ts';
import type {Definition} from './definition.ts';
import {gapsFor} from './gaps.ts';
import {type Flows, flowsOf, type Member} from './mesh-flows.ts';
import {inOrder, isCalled, type Known, knownChannels, meshNames} from './mesh-known.ts';
import {type Pair, SEEN} from './mesh-pairs.ts';
import {processFlows} from './mesh-processes.ts';
import {MeshAddress, MeshFlow, MeshNode, MeshPair, MeshPort, MeshTrouble} from './mesh-rows.ts';
import {meshNode, meshPair, meshPort, meshTroubles} from './mesh-tell.ts';
import {near, nodeNames} from './names.ts';
import {base, list, maybe} from './schema.ts';
import {nodeCalled} from './scope.ts';

const Mesh = v.object({
  ...base,
  of: v.object({
    what: maybe.text('Port, purpose or program that it is narrowed to.'),
    nodes: v.pipe(list(v.string()), v.description('Nodes that it is narrowed to.')),
  }),
  troubles: v.pipe(list(MeshTrouble), v.description('What is wrong, what explains most first.')),
  nodes: list(MeshNode),
  pairs: v.pipe(list(MeshPair), v.description('Node × node × port, the caller first.')),
  ports: list(MeshPort),
  flows: v.pipe(list(MeshFlow), v.description('Process × process.')),
  addresses: v.pipe(list(MeshAddress), v.description('Whose the addresses on the plugin’s health port are.')),
});
export type MeshAnswer = v.InferOutput<typeof Mesh>;

export const mesh: Definition<MeshAnswer> = {
  name: 'mesh',
  usage: 'mesh [PORT|PURPOSE|PROGRAM] [NODE [NODE]]',
  summary:
    'Node × node: who talks to whom on which port, what each port is for, and which connections are missing.',
  words: [0, 3],
  schema: Mesh,
  ask(graph, words) {
    const flows = flowsOf(graph);
    const members = words.map(word => memberCalled(graph, flows, word));
    const whats = words.filter((_, i) => !members[i]);
    const nodes = members.filter(member => member !== undefined);
    if (whats.length > 1)
      return {
        missing: `${whats[1]} is no node that was read.`,
        suggestions: near(nodeNames(graph), whats[1]!),
      };
    const [what] = whats;
    const all = knownChannels(graph, flows);
    const chosen = what === undefined ? all : all.filter(one => isCalled(one, what));
    if (chosen.length === 0 && what !== undefined) return nothing(graph, all, what);
    return answer(graph, flows, chosen, what, nodes);
  },
};

function memberCalled(graph: Graph, flows: Flows, word: string): Member | undefined {
  const node = nodeCalled(graph, word);
  return node ? flows.members[node.index] : flows.members.find(({name}) => name === word);
}

function nothing(graph: Graph, all: readonly Known[], what: string): Missing {
  const names = [
    ...meshNames(graph),
    ...all.flatMap(({channel}) => [...channel.servers, ...channel.callers]),
    ...all.map(({channel}) => `${channel.port}`),
  ];
  return {
    missing: `No node listens on, or talks over, ${what}, as far as was read: it is no port in use, no purpose of one, no program, and no node.`,
    suggestions: near([...new Set(names)], what),
  };
}

function answer(
  graph: Graph,
  flows: Flows,
  chosen: readonly Known[],
  what: string | undefined,
  nodes: readonly Member[],
): MeshAnswer {
  const ordered = inOrder(chosen);
  const within = ({from, to}: Pair) =>
    nodes.length === 0 ||
    (nodes.length === 1
      ? from === nodes[0] || to === nodes[0]
      : nodes.includes(from) && nodes.includes(to) && (from !== to || nodes[0] === nodes[1]));
  const channels = ordered.map(one => ({...one, pairs: one.pairs.filter(within)}));
  const words = [...(what === undefined ? [] : [what]), ...nodes.map(({name}) => name)];
  const roles = [...healthRoles(graph).values()].sort(
    (a, b) => (a.role === b.role ? 0 : a.role === 'node' ? -1 : 1) || (a.address < b.address ? -1 : 1),
  );
  const isHealth = channels.some(({purpose}) => purpose?.fact.key.startsWith('cilium-health'));
  return {
    question: {name: 'mesh', words},
    at: graph.at,
    gaps: gapsFor(graph, ['sockets', 'owners', 'namespaces', 'memberships'], {talks: true}),
    of: {what, nodes: nodes.map(({name}) => name)},
    troubles: channels.flatMap(one => meshTroubles(flows, one)).sort(worseFirst),
    nodes: flows.members.map(member => meshNode(member, roles)),
    pairs: channels.flatMap(one => one.pairs.map(pair => meshPair(flows, one, pair))),
    ports: (nodes.length === 0 ? ordered : channels.filter(({pairs}) => pairs.length > 0)).map(one =>
      meshPort(graph, flows, one),
    ),
    flows: channels.flatMap(one =>
      processFlows(graph, flows, one.channel, one.purpose?.fact.key, [
        ...one.pairs.flatMap(({sockets}) => sockets),
        ...one.channel.elsewhere.filter(
          ({node}) => nodes.length === 0 || nodes.some(({index}) => index === node),
        ),
      ]),
    ),
    addresses:
      !isHealth || nodes.length > 0
        ? []
        : roles.map(({address, role, node, grade, why, evidence}) => ({
            address,
            role,
            node: node?.name,
            grade,
            why,
            evidence: [...evidence],
          })),
  };
}

/** What explains more first, then what is worse. */
function worseFirst(a: MeshTrouble, b: MeshTrouble): number {
  return b.pairs - a.pairs || SEEN.indexOf(a.seen) - SEEN.indexOf(b.seen);
}
