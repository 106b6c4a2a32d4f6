import {endpointText} from '../model/words.ts';
import type {ConnectionAnswer, End} from '../questions/connection.ts';
import {connectionWords, placeWords} from '../questions/endpoint-words.ts';
import type {Question} from '../questions/question.ts';
import {asOfText, gradeTone, stateMark, stateTone} from './marks.ts';
import {userText} from './socket-table.ts';
import {ms} from './units.ts';
import type {Cell, Fields, View} from './view.ts';

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
        body: {type: 'fields', fields: sides(here, there, connection)},
      },
    ],
  };
}

/** Each fact of this end, and beside it that of the other. Columns are padded here: a field's cells are a line. */
function sides(here: End, there: End, connection: ConnectionAnswer['connection']): Field[] {
  const lines: {
    label: string;
    cells: [Cell, Cell];
    opens?: Question | undefined;
  }[] = [
    {
      label: '',
      cells: [
        {text: 'this end', tone: 'dim'},
        {text: 'other end', tone: 'dim'},
      ],
    },
    both('address', end => ({text: endpointText(end.address, end.port), tone: 'strong'})),
    {...both('node', end => known(end.node)), opens: node(here)},
    {
      ...both('pod', end => (end.netns === undefined ? NOT_SEEN : {text: end.pod ?? '-'})),
      opens: pod(here),
    },
    both('container', end => (end.socket ? {text: end.container ?? '-'} : NOT_SEEN)),
    {
      ...both('process', end =>
        end.process ? {text: `${end.process} ${end.program ?? ''}`.trim()} : NOT_SEEN,
      ),
      opens: process(here),
    },
    both('user', end => fact(end, socket => userText(socket) || '-')),
    {...both('interface', end => known(end.inside?.words)), opens: link(here)},
    both('host link', end =>
      known(end.outside.map(one => one.words).join(' ') || (end.inside ? '-' : undefined)),
    ),
    both('state', end =>
      end.socket
        ? {
            text: stateMark(end.socket.state, end.socket.asOf),
            tone: end.socket.asOf === undefined ? stateTone(end.socket.state) : 'dim',
          }
        : NOT_SEEN,
    ),
    both('recv-q', end => queue(end, 'recvQ')),
    both('send-q', end => queue(end, 'sendQ')),
    both('rtt', end => fact(end, socket => ms(socket.rtt) || '-')),
    both('retrans', end => fact(end, socket => `${socket.retrans}`)),
    both('congestion', end => fact(end, socket => socket.congestion ?? '-')),
    both('netns', end => known(end.netns)),
    both('socket', end => ({text: end.socket ? end.socket.held : '', tone: 'dim'})),
  ];
  const width = Math.max(...lines.slice(0, -1).map(({cells: [cell]}) => cell.text.length)) + 2;
  const evidence = [...(here.socket?.evidence ?? []), ...(there.socket?.evidence ?? [])];
  // Where the other socket was not seen, as near to it as is known.
  const jump = jumpTo(there) ?? link(there) ?? pod(there) ?? node(there);
  const fields = lines.map(
    ({label, cells: [left, right], opens}): Field => ({
      label,
      cells: label === 'socket' ? [left] : [{...left, text: left.text.padEnd(width)}, right],
      ...(opens ? {opens} : {}),
    }),
  );
  return [...fields, ...about(connection)].map(field => ({
    ...field,
    ...(jump ? {other: jump} : {}),
    evidence,
  }));

  function both(label: string, cell: (end: End) => Cell): {label: string; cells: [Cell, Cell]} {
    return {label, cells: [cell(here), cell(there)]};
  }
}

function about(connection: ConnectionAnswer['connection']): Field[] {
  return [
    {
      label: 'join',
      cells: [
        {text: connection.grade ?? 'none', tone: gradeTone(connection.grade)},
        {text: `  ${connection.why}`, tone: 'dim'},
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
