import * as v from 'valibot';
import type {Graph, Interface, Namespace} from '../model/graph.ts';
import type {Answer, Missing} from './answer.ts';
import {crossing} from './crossing.ts';
import {type Definition, isMissing} from './definition.ts';
import {gapsFor} from './gaps.ts';
import {InterfaceRow, interfaceRow} from './interface-rows.ts';
import {interfaceNames, interfaceWords, near} from './names.ts';
import {byTable, RouteRow, routeRows} from './route-rows.ts';
import {base, Grade, list, text} from './schema.ts';
import {namespaceCalled, nodeCalled, notRead, podsCalled, unnamed} from './scope.ts';
import {type SocketList, SocketRow} from './socket-rows.ts';

const head = {
  ...base,
  link: InterfaceRow,
  ends: v.pipe(
    list(InterfaceRow),
    v.description('The other end of the pair, or all candidates when ambiguous.'),
  ),
  master: v.optional(InterfaceRow),
  ports: v.pipe(list(InterfaceRow), v.description('Interfaces enslaved to it.')),
  routes: v.pipe(list(RouteRow), v.description('Routes that leave by it.')),
  crossing: v.object({
    grade: Grade,
    why: text('Which connections are taken to cross it, and on what ground.'),
  }),
};
const Head = v.object(head);
const Link = v.object({...head, sockets: list(SocketRow)});
export type LinkAnswer = Answer & v.InferOutput<typeof Head> & {readonly sockets: SocketList};

export const link: Definition<LinkAnswer> = {
  name: 'link',
  usage: 'link NODE/IF|NS/POD:IF',
  summary:
    'One interface: both ends of a veth, master, rates, the pod behind it, the connections that cross it.',
  words: [1, 1],
  schema: Link,
  problem: ([word]) =>
    /[/:][^/:]+$/.test(word ?? '')
      ? undefined
      : `"${word}" is not NODE/IF or NS/POD:IF, for example node-1/eth0.`,
  ask(graph, [word]) {
    const found = interfaceCalled(graph, word!);
    if (isMissing(found)) return found;
    const {namespace, link: fact} = found;
    const row = (iface: Interface) => interfaceRow(graph, iface);
    const master = fact.master === undefined ? undefined : namespace.byName.get(fact.master);
    const {grade, why, sockets} = crossing(graph, found);
    return {
      question: {name: 'link', words: [interfaceWords(found)]},
      at: graph.at,
      gaps: gapsFor(graph, ['network', 'counters', 'sockets', 'namespaces'], {netns: namespace, talks: true}),
      link: row(found),
      ends: graph.pairs.get(found)?.candidates.map(row) ?? [],
      master: master && row(master),
      ports: namespace.interfaces.filter(iface => iface.link.master === fact.name).map(row),
      routes: routeRows(namespace)
        .filter(route => route.hops.some(hop => hop.dev === fact.name))
        .sort(byTable),
      crossing: {grade, why},
      sockets,
    };
  },
};

/** `NODE/IF` in the node's own namespace, `NS/POD:IF`, `POD:IF`, `NODE/INODE:IF`. */
function interfaceCalled(graph: Graph, word: string): Interface | Missing {
  const [, place, name] = /^(.+):([^/:]+)$/.exec(word) ?? [];
  const slash = word.lastIndexOf('/');
  const namespaces: (Namespace | undefined)[] =
    place === undefined
      ? [nodeCalled(graph, word.slice(0, slash))?.host]
      : [
          ...podsCalled(graph, place).map(pod => pod.netns),
          namespaceCalled(graph, place),
          nodeCalled(graph, place)?.host,
        ];
  const wanted = name ?? word.slice(slash + 1);
  const found = new Set(namespaces.flatMap(namespace => namespace?.byName.get(wanted) ?? []));
  const [first] = found;
  if (first && found.size === 1) return first;
  if (found.size > 1) {
    return {
      missing: `${found.size} interfaces are called ${word}: say which.`,
      suggestions: [...found].map(interfaceWords),
    };
  }
  return {
    missing: `No interface is called ${word} on the nodes read.${notRead(graph)}${place === undefined ? '' : unnamed(graph)}`,
    suggestions: near(interfaceNames(graph), word),
  };
}
