import * as v from 'valibot';
import type {Graph, GraphNode} from '../model/graph.ts';
import {datapathsOf, servicesOf} from '../model/services.ts';
import {endpointText} from '../model/words.ts';
import type {Missing} from './answer.ts';
import {type Definition, isMissing} from './definition.ts';
import {gapsFor} from './gaps.ts';
import {near} from './names.ts';
import {base, list, maybe, text} from './schema.ts';
import {nodeCalled, notRead} from './scope.ts';
import {ServiceRow, serviceRows, serviceWords} from './service-rows.ts';

const Services = v.object({
  ...base,
  services: list(ServiceRow),
  datapaths: list(
    v.object({
      node: text('Node, by name.'),
      ways: v.pipe(list(v.string()), v.description('iptables, nftables, ipvs, ebpf; empty: none was seen.')),
      why: text('What that rests on.'),
    }),
  ),
  unread: v.pipe(
    list(v.string()),
    v.description('Nodes whose rules were not read: what they have is not known.'),
  ),
  of: maybe.text('What was asked for: a service, a namespace, an address or a node.'),
});
export type ServicesAnswer = v.InferOutput<typeof Services>;

export const services: Definition<ServicesAnswer> = {
  name: 'services',
  usage: 'services [NS/NAME[:PORT]|NS|ADDRESS|NODE]',
  summary:
    'Each service as the nodes’ own rules have it: address, port, datapath, backends and their connections.',
  words: [0, 1],
  schema: Services,
  ask(graph, [word]) {
    const all = serviceRows(graph);
    const chosen = word === undefined ? all : choose(graph, all, word);
    if (isMissing(chosen)) return chosen;
    const node = word === undefined ? undefined : nodeCalled(graph, word);
    const nodes = node ? [node] : graph.nodes;
    return {
      question: {name: 'services', words: word === undefined ? [] : [word]},
      at: graph.at,
      gaps: [
        ...gapsFor(graph, ['netfilter', 'conntrack', 'namespaces'], node ? {nodes: [node]} : {}),
        ...unread(graph, nodes),
      ],
      services: chosen,
      unread: nodes.flatMap(one => (servicesOf(one) ? [] : [one.name])),
      datapaths: nodes.map(one => ({node: one.name, ...datapathsOf(one)})),
      of: word,
    };
  },
};

/** A recording from before rules were read has none, and no gap that says so; of what was pasted one says it. */
function unread(graph: Graph, nodes: readonly GraphNode[]): ServicesAnswer['gaps'] {
  const said = (...names: readonly string[]) =>
    graph.gaps.some(({fact, node}) => fact === 'netfilter' && names.includes(node));
  return nodes.flatMap(({id, name, snapshot, host}) =>
    snapshot && !host?.facts?.netfilter && !said(id, name)
      ? [
          {
            node: id,
            fact: 'netfilter',
            reason: `The rules of ${name} were not read: which services it has is not known.`,
            reveal: 'Record it anew with this version.',
          },
        ]
      : [],
  );
}

/** A service by its name (of one port, or of all), a namespace, an address, or a node whose rules have it. */
function choose(graph: Graph, all: readonly ServiceRow[], word: string): readonly ServiceRow[] | Missing {
  const named = all.filter(row => serviceWords(row) === word || row.name?.split(':')[0] === word);
  if (named.length > 0) return named;
  const within = all.filter(row => row.name?.startsWith(`${word}/`));
  if (within.length > 0) return within;
  const at = all.filter(
    ({address, port}) => address === word || (address !== undefined && endpointText(address, port) === word),
  );
  if (at.length > 0) return at;
  const node = nodeCalled(graph, word);
  if (node) return all.filter(row => row.nodes.includes(node.name));
  return {
    missing: `No service, namespace, address or node is called ${word} in the rules of the nodes read.${notRead(graph)}`,
    suggestions: near([...new Set(all.map(serviceWords))], word),
  };
}
