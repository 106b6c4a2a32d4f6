import {endpointText} from '../model/words.ts';
import type {ConnectionAnswer, End} from '../questions/connection.ts';
import {connectionWords, placeWords} from '../questions/endpoint-words.ts';
import type {Question} from '../questions/question.ts';
import {asOfText, gradeTone, stateMark, stateTone} from './marks.ts';
import {userText} from './socket-table.ts';
import {byteRate, bytes, ms} from './units.ts';
import type {Cell, Fields, Side, View} from './view.ts';

type Field = Fields['fields'][number];

const NOT_SEEN: Cell = {text: '?', tone: 'warn'};

export function connectionView({connection, at}: ConnectionAnswer): Omit<View, 'gaps'> {
  const [here, there] = connection.ends;
  const bad = connection.stall.who !== 'nobody' && connection.stall.who !== 'unknown';
  return {
    title: `connection ${connection.words}`,
    summary: [
      {text: connection.stall.sentence, tone: bad ? 'warn' : 'plain'},
      ...[here, there].flatMap(({node, socket}) =>
        socket?.asOf === undefined
          ? []
          : [{text: `${asOfText(socket.asOf, at)} on ${node}`, tone: 'warn' as const}],
      ),
    ],
    facets: [
      {
        key: 'ends',
        title: 'Both ends',
        body: {type: 'fields', sides: ['this end', 'other end'], fields: sides(here, there, connection)},
      },
    ],
  };
}

/** Each fact of this end, and beside it that of the other. */
function sides(here: End, there: End, connection: ConnectionAnswer['connection']): Field[] {
  const stalls = stallsOf(here, there);
  return [
    ...ENDS.filter(({shown}) => !shown || shown(here) || shown(there)).map(
      ({label, cell, opens, compared}): Field => {
        const [mine, theirs] = [cell(here), cell(there)];
        const differs = compared?.(here, there) ?? false;
        const note = stalls.has(label) ? ('stalls' as const) : differs ? ('differs' as const) : undefined;
        return {
          label,
          ...sideOf(here, there, mine, opens?.(here)),
          beside: sideOf(there, here, theirs, opens?.(there)),
          ...(note ? {note} : {}),
        };
      },
    ),
    ...about(connection).map(field => ({
      ...field,
      ...jumpFrom(there),
      evidence: field.evidence ?? [...evidenceOf(here), ...evidenceOf(there)],
    })),
  ];
}

/** One value of one end: `o` goes to the other one, as near to its socket as is known. */
function sideOf(end: End, other: End, cell: Cell, opens: Question | undefined): Side {
  const udp = (end.socket ?? other.socket)?.protocol === 'udp' ? ['--proto', 'udp'] : [];
  return {
    cells: [cell],
    ...(opens ? {opens} : {}),
    ...jumpFrom(other),
    evidence: evidenceOf(end),
    subject: end.pod ?? (end.inside ? end.node : undefined) ?? end.address,
    toward: other.address,
    onPort: ['--port', `${other.port}`, ...udp],
  };
}

function jumpFrom(end: End): {readonly other?: Question} {
  const jump = jumpTo(end) ?? link(end) ?? pod(end) ?? node(end);
  return jump ? {other: jump} : {};
}

function evidenceOf(end: End): NonNullable<Side['evidence']> {
  return [...(end.socket?.evidence ?? []), ...(end.inside?.evidence ?? [])];
}

type Fact = {
  readonly label: string;
  readonly cell: (end: End) => Cell;
  readonly opens?: (end: End) => Question | undefined;
  /** Whether the two ends differ in what ought to be alike. */
  readonly compared?: (here: End, there: End) => boolean;
  /** Left out where neither end has it. */
  readonly shown?: (end: End) => boolean;
};

const ENDS: readonly Fact[] = [
  {label: 'address', cell: end => ({text: endpointText(end.address, end.port), tone: 'strong'})},
  {label: 'node', cell: end => known(end.node), opens: node},
  {
    label: 'pod',
    cell: end => (end.netns === undefined ? NOT_SEEN : {text: end.pod ?? '-'}),
    opens: pod,
  },
  {label: 'container', cell: end => (end.socket ? {text: end.container ?? '-'} : NOT_SEEN)},
  {
    label: 'process',
    cell: end => (end.process ? {text: `${end.process} ${end.program ?? ''}`.trim()} : NOT_SEEN),
    opens: process,
  },
  {label: 'user', cell: end => fact(end, socket => userText(socket) || '-')},
  {label: 'netns', cell: end => known(end.netns)},
  {
    label: 'state',
    cell: end =>
      end.socket
        ? {
            text: stateMark(end.socket.state, end.socket.asOf),
            tone: end.socket.asOf === undefined ? stateTone(end.socket.state) : 'dim',
          }
        : NOT_SEEN,
    compared: unlike(socket => socket.state),
  },
  {label: 'recv-q', cell: end => queue(end, 'recvQ')},
  {label: 'send-q', cell: end => queue(end, 'sendQ')},
  {
    label: 'rtt',
    cell: end => fact(end, socket => ms(socket.rtt) || '-'),
    compared: farApart,
  },
  {
    label: 'retrans',
    cell: end => ({
      ...fact(end, socket => (socket.retrans === undefined ? '?' : `${socket.retrans}`)),
      ...((end.socket?.retrans ?? 0) > 0 ? {tone: 'warn' as const} : {}),
    }),
    compared: unlike(socket => (socket.retrans ?? 0) > 0),
  },
  {
    label: 'congestion',
    cell: end => fact(end, socket => socket.congestion ?? '-'),
    compared: unlike(socket => socket.congestion),
  },
  {
    label: 'window',
    cell: end => fact(end, () => windowText(end) || '-'),
    shown: end => end.tcp !== undefined,
  },
  {label: 'last', cell: end => fact(end, () => lastText(end) || '-'), shown: end => end.tcp !== undefined},
  {label: 'interface', cell: end => known(end.inside?.words), opens: link},
  {
    label: 'mtu',
    cell: end => known(end.inside && `${end.inside.mtu}`),
    compared: ({inside: a}, {inside: b}) => a !== undefined && b !== undefined && a.mtu !== b.mtu,
  },
  {label: 'traffic', cell: end => trafficOf(end.inside)},
  {label: 'lost', cell: end => lostOf(end.inside)},
  {
    label: 'host link',
    cell: end => known(end.outside.map(one => one.words).join(' ') || (end.inside ? '-' : undefined)),
    opens: ({outside}) => (outside.length === 1 ? {name: 'link', words: [outside[0]!.words]} : undefined),
  },
  {
    label: 'host lost',
    cell: end => (end.outside.length === 1 ? lostOf(end.outside[0]) : {text: '-', tone: 'dim'}),
  },
  {label: 'socket', cell: end => ({text: end.socket ? end.socket.held : '', tone: 'dim'})},
];

type Socket = NonNullable<End['socket']>;

function unlike(value: (socket: Socket) => unknown): (here: End, there: End) => boolean {
  return ({socket: a}, {socket: b}) => a !== undefined && b !== undefined && value(a) !== value(b);
}

/** Measured round trips of one connection are of one way: five times and a millisecond apart, one end is slow. */
function farApart({socket: a}: End, {socket: b}: End): boolean {
  if (a?.rtt === undefined || b?.rtt === undefined) return false;
  const [low, high] = [Math.min(a.rtt, b.rtt), Math.max(a.rtt, b.rtt)];
  return high >= low * 5 && high - low >= 1;
}

/** Labels of the lines that say who holds the connection up (`stallOf`). */
function stallsOf(here: End, there: End): ReadonlySet<string> {
  const held = new Set<string>();
  for (const socket of [here.socket, there.socket]) {
    if (!socket) continue;
    if (socket.recvQ > 0) held.add('recv-q');
    if (socket.sendQ > 0) held.add('send-q');
    if (socket.sendQ > 0 && (socket.retrans ?? 0) > 0) held.add('retrans');
    if (socket.state === 'SYN-SENT') held.add('state');
  }
  return held;
}

function trafficOf(iface: End['inside']): Cell {
  if (!iface) return NOT_SEEN;
  const {counters, rates} = iface;
  if (!counters) return {text: 'not read', tone: 'dim'};
  const now =
    rates.rxBytes === undefined && rates.txBytes === undefined
      ? ''
      : `↓${byteRate(rates.rxBytes)} ↑${byteRate(rates.txBytes)}  `;
  return {text: `${now}RX ${bytes(counters.rxBytes)} TX ${bytes(counters.txBytes)}`};
}

/** Packets that an interface dropped or could not pass, of all that there ever were. */
function lostOf(iface: End['inside']): Cell {
  if (!iface) return NOT_SEEN;
  const {counters} = iface;
  if (!counters) return {text: 'not read', tone: 'dim'};
  const lost = [
    ['RX dropped', counters.rxDropped],
    ['RX errors', counters.rxErrors],
    ['TX dropped', counters.txDropped],
    ['TX errors', counters.txErrors],
  ].filter(([, count]) => count !== 0);
  if (lost.length === 0) return {text: '0'};
  return {text: lost.map(([what, count]) => `${count} ${what}`).join(', '), tone: 'warn'};
}

/** `cwnd 30 ssthresh 140 unacked 5`: in segments; what `ss -i` says where it says it. */
function windowText({tcp}: End): string {
  if (!tcp) return '';
  return [
    ['cwnd', tcp.cwnd],
    ['ssthresh', tcp.ssthresh],
    ['unacked', tcp.unacked],
    ['lost', tcp.lost],
    ['backoff', tcp.backoff],
  ]
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name} ${value}`]))
    .concat(tcp.timer === 'persist' ? ['zero window'] : [])
    .join(' ');
}

function lastText({tcp}: End): string {
  return [
    ['sent', tcp?.lastSend],
    ['received', tcp?.lastReceive],
    ['acked', tcp?.lastAck],
  ]
    .flatMap(([name, value]) => (typeof value === 'number' ? [`${name} ${ms(value)} ago`] : []))
    .join(', ');
}

/** What stands between the ends: the service, each translation, and why an end was not seen. */
function between({service, translations, halfSeen}: ConnectionAnswer['connection']): Field[] {
  return [
    ...(service === undefined
      ? []
      : [
          {
            label: 'service',
            cells: [{text: service, tone: 'accent' as const}],
            opens: {name: 'services' as const, words: [service]},
          },
        ]),
    ...translations.map(one => ({
      label: 'translated',
      cells: [
        {text: `${one.node}  `},
        {text: `${one.source} → ${one.destination}`, tone: 'dim' as const},
        {text: '  becomes  ', tone: 'dim' as const},
        {text: `${one.newSource} → ${one.newDestination}`},
        {
          text: `  ${[one.state, one.answered ? undefined : '[UNREPLIED]'].filter(Boolean).join(' ')}`,
          tone: one.answered ? ('dim' as const) : ('warn' as const),
        },
      ],
      evidence: [one.evidence],
    })),
    ...(halfSeen === undefined
      ? []
      : [{label: 'half seen', cells: [{text: halfSeen, tone: 'warn' as const}]}]),
  ];
}

function about(connection: ConnectionAnswer['connection']): Field[] {
  return [
    ...between(connection),
    {
      label: 'join',
      cells: [
        {text: connection.grade ?? 'none', tone: gradeTone(connection.grade)},
        ...(connection.halfSeen === undefined ? [{text: `  ${connection.why}`, tone: 'dim' as const}] : []),
      ],
    },
    ...connection.candidates.map(words => ({
      label: 'candidate',
      cells: [{text: words}],
      opens: {name: 'connection' as const, words: [words]},
    })),
  ];
}

/** The same connection, asked from the other end. */
function jumpTo(end: End): Question | undefined {
  if (!end.socket || end.socket.remotePort === 0) return undefined;
  return {name: 'connection', words: [connectionWords(end.socket, placeWords(end.socket))]};
}

function known(text: string | undefined): Cell {
  return text === undefined ? NOT_SEEN : {text};
}

function fact(end: End, text: (socket: NonNullable<End['socket']>) => string): Cell {
  return end.socket ? {text: text(end.socket)} : NOT_SEEN;
}

function queue(end: End, key: 'recvQ' | 'sendQ'): Cell {
  if (!end.socket) return NOT_SEEN;
  return {text: `${end.socket[key]}`, tone: end.socket[key] > 0 ? 'warn' : 'plain'};
}

function node(end: End): Question | undefined {
  return end.node === undefined ? undefined : {name: 'node', words: [end.node]};
}

function pod(end: End): Question | undefined {
  return end.pod === undefined ? undefined : {name: 'pod', words: [end.pod]};
}

function process(end: End): Question | undefined {
  return end.process === undefined ? undefined : {name: 'process', words: [end.process]};
}

function link(end: End): Question | undefined {
  return end.inside === undefined ? undefined : {name: 'link', words: [end.inside.words]};
}
