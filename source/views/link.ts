import type {InterfaceRow} from '../questions/interface-rows.ts';
import type {LinkAnswer} from '../questions/link.ts';
import {interfaceTable, whereText} from './interface-table.ts';
import {asOfText, gradeTone, linkTone, stateMark} from './marks.ts';
import {routeTable} from './route-table.ts';
import {socketTable} from './socket-table.ts';
import {byteRate, bytes, count, rate} from './units.ts';
import type {Facet, Fields, View} from './view.ts';

type Field = Fields['fields'][number];

export function linkView(answer: LinkAnswer): Omit<View, 'gaps'> {
  const {link, ends, ports, routes, crossing, sockets} = answer;
  const behind = link.behind.length > 0 ? ` · behind it ${link.behind.join(' ')}` : '';
  const facets: Facet[] = [
    {key: 'link', title: 'Link', body: {type: 'fields', fields: fields(answer)}},
    {
      key: 'connections',
      title: 'Connections',
      body: socketTable(sockets, `No connection is known to cross it (${crossing.why}).`),
    },
    ...(ports.length > 0 ? [{key: 'ports', title: 'Ports', body: interfaceTable(ports, '')}] : []),
    {key: 'routes', title: 'Routes', body: routeTable(routes, 'No route of its namespace leaves by it.')},
  ];
  return {
    title: `link ${link.words}`,
    summary: [
      {text: stateMark(link.state, link.asOf), tone: link.asOf === undefined ? linkTone(link.state) : 'warn'},
      {text: ` · ${kindText(link)} in ${whereText(link)} · mtu ${link.mtu}`},
      {
        text: `${ends.length === 1 ? ` · other end ${ends[0]!.words}` : ''}${behind} · ${count(sockets.count, 'connection')}`,
      },
      {text: asOfText(link.asOf, answer.at), tone: 'warn'},
    ],
    facets,
  };
}

function fields(answer: LinkAnswer): Field[] {
  const {link, ends, master, crossing} = answer;
  const [end] = ends;
  const lines = one('this end', link, end);
  if (link.pair) {
    lines.push({
      label: link.pair.relation === 'peer' ? 'pair' : 'sits on',
      cells: [
        {text: link.pair.grade, tone: gradeTone(link.pair.grade)},
        {text: `  ${link.pair.why}`, tone: 'dim'},
      ],
      ...(end ? {opens: {name: 'link' as const, words: [end.words]}} : {}),
      ...(end ? {other: {name: 'link' as const, words: [end.words]}} : {}),
      evidence: [...link.evidence, ...ends.flatMap(other => other.evidence)],
    });
  }
  for (const other of ends) lines.push(...one(ends.length > 1 ? 'candidate' : 'other end', other, link));
  if (master) lines.push(...one('master', master, link));
  lines.push({
    label: 'crossing',
    cells: [
      {text: crossing.grade, tone: gradeTone(crossing.grade)},
      {text: `  ${crossing.why}`, tone: 'dim'},
    ],
    ...(end ? {other: {name: 'link', words: [end.words]}} : {}),
    evidence: link.evidence,
  });
  return lines;
}

/** One interface as ifconfig prints it, in a few lines, each of which opens it; `other` is at its other side. */
function one(label: string, link: InterfaceRow, other: InterfaceRow | undefined): Field[] {
  const {counters, rates} = link;
  const inets = [...link.inet, ...link.inet6].map(({address, prefix}) => `${address}/${prefix}`).join(' ');
  const at: Pick<Field, 'opens' | 'other' | 'evidence'> = {
    opens: {name: 'link', words: [link.words]},
    ...(other ? {other: {name: 'link', words: [other.words]}} : {}),
    evidence: link.evidence,
  };
  const more = (text: string): Field => ({label: '', cells: [{text}], ...at});
  const side = (way: 'rx' | 'tx') => {
    if (!counters) return `${way.toUpperCase()} not read`;
    const moving = [
      byteRate(rates[`${way}Bytes`]),
      rates[`${way}Packets`] === undefined ? '' : `${rate(rates[`${way}Packets`])} packets`,
    ];
    const now = moving.filter(part => part !== '').join(', ');
    return `${way.toUpperCase()} ${counters[`${way}Packets`]} packets, ${counters[`${way}Bytes`]} bytes (${bytes(counters[`${way}Bytes`])}), ${counters[`${way}Errors`]} errors, ${counters[`${way}Dropped`]} dropped${now === '' ? '' : `; ${now}`}`;
  };
  return [
    {
      label,
      cells: [
        {text: link.words, tone: 'strong'},
        {
          text: `  ${link.ifindex === 0 ? 'index not shown' : `index ${link.ifindex}`}  ${kindText(link)}  ${stateMark(link.state, link.asOf)}  mtu ${link.mtu}${link.master ? `  master ${link.master}` : ''}`,
        },
      ],
      ...at,
    },
    more(`${link.mac ?? 'no hardware address'}  ${inets || 'no address'}`),
    more(`<${link.flags.join(',')}>${link.txqlen === undefined ? '' : `  txqlen ${link.txqlen}`}`),
    ...(link.vxlan
      ? [
          more(
            `vxlan id ${link.vxlan.id}  port ${link.vxlan.port}  local ${link.vxlan.local ?? '?'}  over ${link.vxlan.lower ?? '?'}${link.vxlan.learning ? '' : '  nolearning'}`,
          ),
        ]
      : []),
    more(side('rx')),
    more(side('tx')),
  ];
}

/** `?` is a kind that was not told (pasted from `ifconfig`); none is a physical device. */
function kindText({kind}: {readonly kind?: string | undefined}): string {
  return kind === '?' ? 'kind not shown' : (kind ?? 'device');
}
