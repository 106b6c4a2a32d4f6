import type {MeshAnswer} from '../questions/mesh.ts';
import type {
  FlowEnd,
  MeshAddress,
  MeshFlow,
  MeshPair,
  MeshPort,
  MeshTrouble,
} from '../questions/mesh-rows.ts';
import type {Question} from '../questions/question.ts';
import {gradeTone, mark} from './marks.ts';
import {isTunnel, meshMatrix, pairPort, seenSign} from './mesh-matrix.ts';
import {figures, listTable, words} from './table.ts';
import {count} from './units.ts';
import type {Cell, Facet, Table, View} from './view.ts';

/** What is wrong first; then node × node, what the ports are for, and process × process. */
export function meshView(answer: MeshAnswer): Omit<View, 'gaps'> {
  const {question, troubles, pairs, ports, flows, addresses, of} = answer;
  const narrow = of.nodes.length > 0;
  const facets: (Facet | undefined)[] = [
    troubles.length > 0
      ? {key: 'troubles', title: 'Troubles', body: troubleTable(troubles, question)}
      : undefined,
    narrow
      ? {key: 'pairs', title: 'Pairs', body: pairTable(pairs, of.what)}
      : {key: 'nodes', title: 'Nodes', body: meshMatrix(answer)},
    {key: 'ports', title: 'Ports', body: portTable(ports)},
    {key: 'processes', title: 'Processes', body: flowTable(flows)},
    addresses.length > 0
      ? {key: 'addresses', title: 'Health addresses', body: addressTable(addresses)}
      : undefined,
  ];
  return {
    title: [question.name, ...question.words].join(' '),
    summary: summaryOf(answer),
    facets: facets.filter(facet => facet !== undefined),
  };
}

function summaryOf(answer: MeshAnswer): Cell[] {
  const {troubles, pairs, ports, nodes, of} = answer;
  const [first, ...more] = troubles;
  if (first) {
    const rest = more.length > 0 ? `; ${count(more.length, 'more trouble')}` : '';
    return [{text: `${first.sentence} (${pairPort(first)})${rest}`, tone: 'bad'}];
  }
  const [port, ...others] = ports;
  const about =
    of.what !== undefined && port?.about !== undefined && others.length === 0 ? ` · it is ${port.about}` : '';
  const whole = pairs.filter(({seen}) => seen === 'both').length;
  const unread = nodes.filter(({kind}) => kind !== 'read' && kind !== 'stale').length;
  const old = nodes.filter(({kind}) => kind === 'stale').length;
  const blind =
    (unread > 0 ? `, ${unread} of them not read` : '') +
    (old > 0 ? `, ${old} of them not reached now (as last read)` : '');
  const tunnel = isTunnel(answer) ? ' · a tunnel of the kernel has no sockets: who sends is not seen' : '';
  return [
    {
      text: `${count(nodes.length, 'node')}${blind} · ${count(ports.length, 'port')} · ${count(whole, 'pair')} seen from both ends${about}${tunnel}`,
    },
  ];
}

function troubleTable(troubles: readonly MeshTrouble[], asked: Question): Table {
  return listTable(troubles, {
    columns: [
      words('sign', '', 0, 1, ({seen}) => seenSign(seen).sign, {tone: ({seen}) => seenSign(seen).tone}),
      words('trouble', 'Trouble', 0, 56, ({sentence}) => sentence, {grow: true}),
      words('port', 'Port', 0, 8, pairPort, {max: 36}),
      figures('pairs', 'Pairs', 1, 5, ({pairs}) => pairs),
      words('why', 'Why', 3, 16, ({why}) => why, {max: 70}),
    ],
    row: trouble => {
      const [, ...nodes] = trouble.words.split(' ');
      return {
        id: `${trouble.words} ${trouble.seen}`,
        ...opens(troubleOpens(trouble, asked)),
        evidence: trouble.evidence,
        ...endsOf(nodes),
        onPort: portOptions(trouble),
      };
    },
    empty: 'Nothing is wrong, as far as was read.',
  });
}

/** The only connection, else what is narrowed to it; nothing where that is this very screen. */
function troubleOpens({connection, words}: MeshTrouble, asked: Question): Question | undefined {
  if (connection !== undefined) return {name: 'connection', words: [connection]};
  return words === asked.words.join(' ') ? undefined : {name: 'mesh', words: words.split(' ')};
}

/** What a path between the two has to be asked with to be that of these packets. */
function portOptions({protocol, port}: Pick<MeshPair, 'protocol' | 'port'>): readonly string[] {
  return ['--port', `${port}`, ...(protocol === 'udp' ? ['--proto', 'udp'] : [])];
}

function endsOf([from, to]: readonly string[]): {subject?: string; toward?: string} {
  return {...(from === undefined ? {} : {subject: from}), ...(to === undefined ? {} : {toward: to})};
}

function pairTable(pairs: readonly MeshPair[], what: string | undefined): Table {
  return listTable(pairs, {
    columns: [
      words('sign', '', 0, 1, ({seen}) => seenSign(seen).sign, {tone: ({seen}) => seenSign(seen).tone}),
      words('from', 'From', 0, 8, ({from}) => from, {max: 24}),
      words('to', 'To', 0, 8, ({to}) => to, {max: 24}),
      words('port', 'Port', 0, 8, pairPort, {max: 36}),
      figures('connections', 'Conns', 1, 5, ({connections}) => connections),
      figures('retrans', 'Retrans', 2, 7, ({retrans}) => retrans),
      words('seen', 'Seen', 1, 16, ({why}) => why, {
        grow: true,
        tone: ({trouble, seen}) => (trouble ? seenSign(seen).tone : 'plain'),
      }),
    ],
    row: pair => ({
      id: `${pair.from} ${pair.to} ${pairPort(pair)}`,
      ...opens(pairOpens(pair, what)),
      other: {name: 'node', words: [pair.to]},
      evidence: pair.evidence,
      subject: pair.from,
      toward: pair.to,
      onPort: portOptions(pair),
    }),
    empty: 'They have no connection, and none is expected, as far as was read.',
  });
}

function pairOpens(pair: MeshPair, what: string | undefined): Question | undefined {
  if (pair.connection !== undefined) return {name: 'connection', words: [pair.connection]};
  const port = pair.purpose ?? `${pair.protocol}/${pair.port}`;
  // Narrowed to this port already: it would be the same screen.
  return port === what && pair.connections === 0
    ? undefined
    : {name: 'mesh', words: [port, pair.from, pair.to]};
}

function opens(question: Question | undefined): {opens?: Question} {
  return question ? {opens: question} : {};
}

function portTable(ports: readonly MeshPort[]): Table {
  return listTable(ports, {
    columns: [
      words('port', 'Port', 0, 8, ({protocol, port}) => `${protocol}/${port}`),
      words(
        'purpose',
        'Purpose',
        0,
        8,
        ({purpose, grade}) => (purpose === undefined ? '' : `${mark(grade)} ${purpose}`),
        {
          max: 28,
          tone: ({grade}) => gradeTone(grade),
        },
      ),
      words('programs', 'Listens', 2, 7, ({programs}) => programs.join(' '), {max: 30}),
      figures('nodes', 'Nodes', 3, 5, ({nodes}) => nodes),
      figures('whole', 'Both', 4, 4, ({pairs}) => pairs.whole),
      figures('trouble', 'Trouble', 3, 7, ({pairs}) => pairs.trouble, {
        tone: ({pairs}) => (pairs.trouble > 0 ? 'bad' : 'dim'),
      }),
      figures('unknown', 'Unread', 3, 6, ({pairs}) => pairs.unknown),
      figures('elsewhere', 'Outside', 4, 7, ({elsewhere}) => elsewhere),
      words('about', 'What it is', 0, 36, aboutPort, {grow: true}),
      // Only where the Kubernetes API was read.
      ...(ports.some(({about, declared}) => about !== undefined && declared !== undefined)
        ? [
            words<MeshPort>(
              'declared',
              'Declared',
              4,
              16,
              ({about, declared}) => (about === undefined ? '' : declared),
              {max: 90},
            ),
          ]
        : []),
      words('bound', 'Bound to', 4, 8, ({addresses}) => addresses.join(' '), {max: 40}),
      words('why', 'How it is known', 5, 16, ({why}) => why, {max: 80}),
      words('source', 'Source', 6, 16, ({source}) => source, {max: 90}),
    ],
    row: port => ({
      id: `${port.protocol}/${port.port} ${port.purpose ?? ''}`,
      opens: {name: 'mesh', words: [port.words]},
      evidence: port.evidence,
    }),
    empty: 'No port that nodes talk over was seen.',
  });
}

function aboutPort({about, declared, probe, loopback}: MeshPort): string {
  const only = loopback ? ' (this node only)' : '';
  return `${about ?? declared ?? 'not known'}${probe === undefined ? '' : `; ${probe}`}${only}`;
}

function flowTable(flows: readonly MeshFlow[]): Table {
  return listTable(flows, {
    columns: [
      words('from', 'Calls', 0, 12, ({from}) => endText(from), {max: 44}),
      words('to', 'Is called', 0, 12, ({to, grade}) => [mark(grade), endText(to)].filter(Boolean).join(' '), {
        max: 44,
        grow: true,
        tone: ({grade}) => gradeTone(grade),
      }),
      words('port', 'Port', 0, 8, pairPort, {max: 36}),
      figures('connections', 'Conns', 1, 5, ({connections}) => connections),
      words('states', 'States', 3, 8, ({states}) => statesText(states), {max: 30}),
      words('fromAddress', 'From', 4, 9, ({from}) => from.address),
      words('toAddress', 'To', 3, 9, ({to}) => to.address),
    ],
    row: flow => ({
      id: `${endText(flow.from)} ${endText(flow.to)} ${pairPort(flow)}`,
      ...opens(flowOpens(flow)),
      ...otherEnd(flow.to),
      evidence: flow.evidence,
      subject: pathWord(flow.from),
      toward: pathWord(flow.to),
      onPort: portOptions(flow),
    }),
    empty: 'No connection between nodes was seen.',
  });
}

function flowOpens({connection, from, to}: MeshFlow): Question | undefined {
  if (connection !== undefined) return {name: 'connection', words: [connection]};
  const process = from.process ?? to.process;
  if (process !== undefined) return {name: 'process', words: [process]};
  const node = from.node ?? to.node;
  return node === undefined ? undefined : {name: 'sockets', words: [node]};
}

function otherEnd({process, pod, node}: FlowEnd): {other?: Question} {
  if (process !== undefined) return {other: {name: 'process', words: [process]}};
  if (pod !== undefined) return {other: {name: 'pod', words: [pod]}};
  return node === undefined ? {} : {other: {name: 'node', words: [node]}};
}

function pathWord({pod, address}: FlowEnd): string {
  return pod ?? address;
}

/** `shop/web-1 nginx`, `node-1 kubelet`, an address where nothing else is known. */
function endText({pod, node, program, address, role}: FlowEnd): string {
  const place = pod ?? node;
  if (place === undefined) return role === undefined ? address : `${address} (${role})`;
  return program === undefined
    ? `${place} ${pod === undefined ? address : ''}`.trim()
    : `${place} ${program}`;
}

function statesText(states: Readonly<Record<string, number>>): string {
  return Object.entries(states)
    .map(([state, times]) => `${state} ${times}`)
    .join(' ');
}

const ROLES = {node: 'node', endpoint: 'health endpoint'} as const;

function addressTable(addresses: readonly MeshAddress[]): Table {
  return listTable(addresses, {
    columns: [
      words('address', 'Address', 0, 9, ({address}) => address),
      words('role', 'Is', 0, 8, ({role, grade}) => [mark(grade), ROLES[role]].filter(Boolean).join(' '), {
        tone: ({grade}) => gradeTone(grade),
      }),
      words('node', 'Node', 1, 6, ({node}) => node, {max: 24}),
      words('why', 'Why', 0, 24, ({why}) => why, {grow: true}),
    ],
    row: ({address, node, evidence}) => ({
      id: address,
      ...opens(node === undefined ? undefined : {name: 'node', words: [node]}),
      evidence,
      subject: address,
    }),
    empty: 'No address was seen on a health port.',
  });
}
