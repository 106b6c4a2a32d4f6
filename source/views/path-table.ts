import type {Direction} from '../questions/path.ts';
import type {HopRow, WayRow} from '../questions/path-rows.ts';
import type {Question} from '../questions/question.ts';
import {gradeTone} from './marks.ts';
import {figures, listTable, words} from './table.ts';
import {byteRate, rate} from './units.ts';
import type {Table, Tone} from './view.ts';

/** A hop with its place in its way; of other ways than the first only where they part from it. */
type Line = {readonly hop: HopRow; readonly way: WayRow; readonly at: string; readonly narrow: boolean};

const ARROWS: Readonly<Record<HopRow['way'], string>> = {
  out: '→',
  in: '←',
  through: '↔',
  fabric: '≈',
  end: '•',
};

/** Every hop of the first way, then of each other way from where it parts. */
export function hopTable({ways}: Direction, empty: string): Table {
  return listTable(
    ways.flatMap((way, i) => linesOf(way, i, ways)),
    {
      columns: [
        words('at', '#', 1, 2, line => line.at),
        words('status', 'Ok', 0, 2, line => MARKS[line.hop.status], {tone: line => statusTone(line.hop)}),
        words('place', 'Where', 0, 8, line => line.hop.place ?? 'between', {max: 34}),
        words('link', 'Link', 0, 6, line => `${ARROWS[line.hop.way]} ${line.hop.name ?? ''}`.trim(), {
          tone: line => (line.hop.status === 'ok' ? 'strong' : statusTone(line.hop)),
        }),
        figures('mtu', 'MTU', 2, 4, line => line.hop.mtu, {tone: line => (line.narrow ? 'bad' : 'plain')}),
        figures('room', 'Room', 3, 4, line => (line.hop.overhead > 0 ? line.hop.room : undefined), {
          tone: line => (line.narrow ? 'bad' : 'plain'),
        }),
        words('grade', 'Grade', 2, 6, line => line.hop.grade, {tone: line => gradeTone(line.hop.grade)}),
        words('say', 'What', 1, 24, line => sayText(line), {
          tone: line => statusTone(line.hop),
          grow: true,
          readable: 40,
        }),
        words('why', 'Decided by', 4, 20, line => deciding(line.hop), {grow: true, readable: 50}),
        words('layers', 'Inside', 6, 6, line =>
          line.hop.layers.map(({kind, id}) => (id === undefined ? kind : `${kind} ${id}`)).join(' '),
        ),
        words('moves', 'Packets/s', 6, 9, line => moves(line.hop)),
        words('bytes', 'Bytes/s', 7, 9, line => bytesMoved(line.hop)),
        words('trouble', 'Drops', 4, 5, line => trouble(line.hop), {tone: () => 'warn'}),
        words('packet', 'Packet', 5, 20, line => line.hop.packet, {whole: true}),
      ],
      row: line => {
        const opens = target(line.hop);
        return {
          id: `${line.at} ${line.hop.link ?? line.hop.place ?? ''} ${line.hop.way}`,
          ...(opens ? {opens} : {}),
          evidence: line.hop.clues.flatMap(({evidence}) => evidence),
        };
      },
      empty,
    },
  );
}

const MARKS: Readonly<Record<HopRow['status'], string>> = {ok: 'ok', broken: '✗', unknown: '?'};

function statusTone({status, grade}: HopRow): Tone {
  if (status === 'broken') return 'bad';
  return status === 'unknown' ? 'warn' : grade === 'proven' ? 'plain' : 'accent';
}

function linesOf(way: WayRow, index: number, ways: readonly WayRow[]): Line[] {
  const first = ways[0]!;
  let from = 0;
  if (index > 0) {
    while (from < way.hops.length - 1 && isSameHop(way.hops[from], first.hops[from])) from += 1;
  }
  return way.hops.slice(from).map((hop, i) => ({
    hop,
    way,
    at: ways.length > 1 ? `${index + 1}.${from + i + 1}` : `${from + i + 1}`,
    narrow: way.mtu?.fits === false && way.mtu.hop === from + i,
  }));
}

function isSameHop(a: HopRow | undefined, b: HopRow | undefined): boolean {
  return a !== undefined && b !== undefined && a.link === b.link && a.way === b.way && a.say === b.say;
}

function sayText({hop, way, at}: Line): string {
  const choice =
    at.endsWith('.1') || way.choices.length === 0 || hop !== way.hops.at(-1)
      ? ''
      : ` [${way.choices.join('; ')}]`;
  return `${hop.say}${choice}`;
}

/** The line that decided most: the forwarding entry, else the route, else what is left. */
function deciding({clues}: HopRow): string {
  const order = [
    'translation',
    'setting',
    'route',
    'fdb',
    'fabric',
    'neighbour',
    'tunnel',
    'pair',
    'link',
    'address',
    'rule',
  ];
  // Of several rules that translate, the last one did it.
  return [...clues].reverse().sort((a, b) => order.indexOf(a.by) - order.indexOf(b.by))[0]?.text ?? '';
}

function moves({way, rates}: HopRow): string {
  return rate(way === 'in' ? rates?.rxPackets : way === 'out' ? rates?.txPackets : undefined);
}

function bytesMoved({way, rates}: HopRow): string {
  return byteRate(way === 'in' ? rates?.rxBytes : way === 'out' ? rates?.txBytes : undefined);
}

function trouble({way, counters}: HopRow): string {
  if (!counters || (way !== 'in' && way !== 'out')) return '';
  const [errors, dropped] =
    way === 'in' ? [counters.rxErrors, counters.rxDropped] : [counters.txErrors, counters.txDropped];
  return errors + dropped === 0 ? '' : String(errors + dropped);
}

/** What is under the cursor: routes where no route leads on, the pod at the end, else the interface. */
function target(hop: HopRow): Question | undefined {
  const {way, status, place, link, pods} = hop;
  if (way === 'end' && status === 'ok' && pods.length === 1 && place !== hop.node)
    return {name: 'pod', words: [pods[0]!]};
  const noRoute =
    status !== 'ok' && !hop.clues.some(({by}) => by === 'neighbour' || by === 'fdb' || by === 'link');
  if (way === 'end' && noRoute && place !== undefined) return {name: 'routes', words: [place]};
  if (link !== undefined) return {name: 'link', words: [link]};
  return place === undefined ? undefined : {name: 'routes', words: [place]};
}
