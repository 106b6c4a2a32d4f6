import type {Counters} from '../facts/links.ts';
import type {InterfaceRow} from '../questions/interface-rows.ts';
import {gradeTone, linkTone, mark, stateMark} from './marks.ts';
import {type ColumnOf, figures, listTable, words} from './table.ts';
import {byteRate, bytes} from './units.ts';
import type {Table, Tone} from './view.ts';

const counter = (key: keyof Counters) => (link: InterfaceRow) => link.counters?.[key];
const changed =
  (key: string, otherwise: Tone = 'plain') =>
  (link: InterfaceRow): Tone =>
    link.changed.includes(key) ? 'changed' : otherwise;
const trouble =
  (key: keyof Counters) =>
  (link: InterfaceRow): Tone =>
    link.changed.includes(key) ? 'changed' : (link.counters?.[key] ?? 0) > 0 ? 'warn' : 'dim';

const COLUMNS: readonly ColumnOf<InterfaceRow>[] = [
  words('name', 'Iface', 0, 6, link => link.name, {
    tone: link => (link.asOf === undefined ? 'strong' : 'dim'),
  }),
  words('where', 'Where', 1, 8, whereText, {max: 40}),
  words('kind', 'Kind', 3, 4, link => link.kind ?? (link.flags.includes('LOOPBACK') ? 'loopback' : 'device')),
  words('state', 'State', 1, 5, link => stateMark(link.state, link.asOf), {
    tone: link =>
      link.asOf !== undefined ? 'dim' : link.changed.includes('state') ? 'changed' : linkTone(link.state),
  }),
  figures('mtu', 'MTU', 2, 4, link => link.mtu, {tone: changed('mtu')}),
  words(
    'inet',
    'Inet',
    0,
    12,
    link => link.inet.map(({address, prefix}) => `${address}/${prefix}`).join(' '),
    {max: 40},
  ),
  words('peer', 'Peer', 1, 10, peerText, {tone: link => gradeTone(link.pair?.grade), max: 44}),
  words('master', 'Master', 3, 5, link => link.master),
  figures('rxRate', 'RX/s', 2, 9, link => link.rates.rxBytes, {show: byteRate}),
  figures('txRate', 'TX/s', 2, 9, link => link.rates.txBytes, {show: byteRate}),
  figures('rxBytes', 'RX bytes', 5, 8, counter('rxBytes'), {show: bytes, tone: changed('rxBytes')}),
  figures('txBytes', 'TX bytes', 5, 8, counter('txBytes'), {show: bytes, tone: changed('txBytes')}),
  figures('rxErrors', 'RX err', 6, 6, counter('rxErrors'), {tone: trouble('rxErrors')}),
  figures('rxDropped', 'RX drop', 4, 7, counter('rxDropped'), {tone: trouble('rxDropped')}),
  figures('txErrors', 'TX err', 6, 6, counter('txErrors'), {tone: trouble('txErrors')}),
  figures('txDropped', 'TX drop', 4, 7, counter('txDropped'), {tone: trouble('txDropped')}),
  figures('rxPackets', 'RX packets', 7, 10, counter('rxPackets')),
  figures('txPackets', 'TX packets', 7, 10, counter('txPackets')),
  words('ether', 'Ether', 8, 17, link => link.mac),
  words('inet6', 'Inet6', 9, 12, link =>
    link.inet6.map(({address, prefix}) => `${address}/${prefix}`).join(' '),
  ),
  words('netmask', 'Netmask', 11, 11, link => link.inet[0]?.netmask),
  figures('txqlen', 'Txqlen', 12, 6, link => link.txqlen),
  words('flags', 'Flags', 10, 8, link => link.flags.join(',')),
];

/** All that ifconfig shows of each interface, and what it is joined to. */
export function interfaceTable(links: readonly InterfaceRow[], empty: string): Table {
  return listTable(links, {
    columns: COLUMNS,
    row: link => {
      const other = link.pair?.candidates.length === 1 ? link.pair.candidates[0] : undefined;
      return {
        id: `${link.node} ${link.netns} ${link.ifindex || link.name}`,
        opens: {name: 'link', words: [link.words]},
        ...(other ? {other: {name: 'link' as const, words: [other.words]}} : {}),
        evidence: link.evidence,
      };
    },
    empty,
  });
}

export function whereText(thing: {
  node: string;
  netns?: string | undefined;
  place?: string | undefined;
  pods: readonly string[];
}): string {
  if (thing.place === 'host') return thing.node;
  if (thing.pods.length > 0) return thing.pods.join(' ');
  return `${thing.node}/${thing.netns ?? '?'}`;
}

/** The other end in the fewest words: a pod's interface, or the interface on the host. */
export function peerText(link: InterfaceRow): string {
  const {pair} = link;
  if (!pair) return '';
  if (pair.grade === 'ambiguous') return `≈ ${pair.candidates.length} fit`;
  const [other] = pair.candidates;
  if (!other) return '?';
  return [mark(pair.grade), pair.relation === 'lower' ? 'on' : '', other.words]
    .filter(part => part !== '')
    .join(' ');
}
