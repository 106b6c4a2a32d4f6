import {endpointText} from '../model/words.ts';
import type {ProcessAnswer} from '../questions/process.ts';
import type {ProcessPort} from '../questions/process-ports.ts';
import type {ProcessRow} from '../questions/process-rows.ts';
import {asOfText, mark, stateMark} from './marks.ts';
import {peerTable} from './peer-table.ts';
import {containerText, processTable} from './process-table.ts';
import {socketTable} from './socket-table.ts';
import {count, span} from './units.ts';
import type {Fields, View} from './view.ts';

type Field = Fields['fields'][number];

export function processView(answer: ProcessAnswer): Omit<View, 'gaps'> {
  const {process: proc, children, peers, sockets} = answer;
  return {
    title: `process ${proc.words}`,
    summary: [
      {text: proc.name, tone: 'strong'},
      {text: ` ${proc.pod ? `in ${proc.pod} ${containerText(proc)}` : `on ${proc.node}`}`},
      {text: ` · ${count(sockets.count, 'socket')} · ${count(peers.length, 'peer')}`},
      {text: asOfText(proc.asOf, answer.at), tone: 'warn'},
    ],
    facets: [
      {key: 'process', title: 'Process', body: {type: 'fields', fields: fields(answer)}},
      {
        key: 'sockets',
        title: 'Sockets',
        body: socketTable(sockets, 'It holds no TCP or UDP socket, as far as was read.'),
      },
      {key: 'peers', title: 'Peers', body: peerTable(peers, 'It talks to nobody, as far as was read.')},
      {key: 'children', title: 'Children', body: processTable(children, 'It has no children.')},
    ],
  };
}

function fields({process: proc, ancestors, children, ports}: ProcessAnswer): Field[] {
  const line = (label: string, text: string, opens?: Field['opens']): Field => ({
    label,
    cells: [{text}],
    ...(opens ? {opens} : {}),
  });
  return [
    {label: 'command', cells: [{text: proc.command}], evidence: proc.evidence},
    line('user', proc.user),
    line(
      'started',
      proc.age === undefined ? proc.start : `${proc.start} (${span(proc.age)} before it was read)`,
    ),
    line('state', stateMark(proc.state, proc.asOf)),
    line('node', proc.node, {name: 'node', words: [proc.node]}),
    ...(proc.pod
      ? [line('pod', `${proc.pod} ${containerText(proc)}`, {name: 'pod', words: [proc.pod]})]
      : []),
    line('netns', proc.netns === undefined ? 'not read' : `${proc.netns} (${proc.place})`),
    ...ports.map(portLine),
    ...tree([...ancestors].reverse(), proc, children),
  ];
}

/** `tcp 127.0.0.1:9879  ~ cilium-healthz: the agent’s health status API; kubelet: …`. */
function portLine({
  protocol,
  port,
  addresses,
  purpose,
  about,
  probe,
  grade,
  why,
  evidence,
}: ProcessPort): Field {
  const bound = addresses.map(address => endpointText(address, port)).join(' ');
  const asked = probe === undefined ? '' : `; ${probe}`;
  const told = purpose === undefined ? '' : `  ${mark(grade)} ${purpose}: ${about}${asked}`;
  return {
    label: 'listens',
    cells: [
      {text: `${protocol} ${bound === '' ? port : bound}`, tone: 'strong'},
      {text: told},
      {text: bound === '' ? ` (${why})` : '', tone: 'dim'},
    ],
    ...(purpose === undefined ? {} : {opens: {name: 'mesh', words: [purpose]}}),
    evidence,
  };
}

/** Ancestors down to the process, then its children. */
function tree(above: readonly ProcessRow[], proc: ProcessRow, children: readonly ProcessRow[]): Field[] {
  const branch = (row: ProcessRow, depth: number, tone: 'plain' | 'strong', elbow = '└─'): Field => ({
    label: '',
    cells: [
      {text: `${depth === 0 ? '' : `${'   '.repeat(depth - 1)}${elbow} `}${row.pid} ${row.command}`, tone},
    ],
    opens: {name: 'process', words: [row.words]},
    evidence: row.evidence,
  });
  return [
    ...above.map((row, depth) => branch(row, depth, 'plain')),
    branch(proc, above.length, 'strong'),
    ...children.map((child, i) =>
      branch(child, above.length + 1, 'plain', i < children.length - 1 ? '├─' : '└─'),
    ),
  ];
}
