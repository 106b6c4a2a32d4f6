import type {Direction, PathAnswer} from '../questions/path.ts';
import type {WayRow} from '../questions/path-rows.ts';
import {gradeTone} from './marks.ts';
import {pathDrawing} from './path-drawing.ts';
import {hopTable} from './path-table.ts';
import {cameBack, probedCell, probeTable, verifiedCell, verifiedTable} from './path-verify.ts';
import type {Cell, Facet, Tone, View} from './view.ts';

export function pathView(answer: PathAnswer): Omit<View, 'gaps'> {
  const {question, from, to, forward, reply, asymmetry, verified, probed} = answer;
  const lost = probed !== undefined && probed.received < probed.sent;
  const facets: Facet[] = [
    {key: 'hops', title: 'There', body: hopTable(forward, forward.sentence)},
    ...(reply ? [{key: 'reply', title: 'Back', body: hopTable(reply, reply.sentence)}] : []),
    ...(verified ? [{key: 'kernel', title: 'Kernel', body: verifiedTable(verified)}] : []),
    ...(question.words.includes('--probe') ? [{key: 'probe', title: 'Probe', body: probeTable(probed)}] : []),
    {key: 'drawing', title: 'Drawing', body: {type: 'lines', lines: pathDrawing(answer)}},
  ];
  return {
    title: `path ${from.words} ${to.words}`,
    summary: [
      ...(lost ? [{text: `${cameBack(probed)}. By the nodes’ tables: `, tone: 'bad' as const}] : []),
      {text: forward.sentence, tone: tone(forward)},
      ...size(forward.ways),
      ...backCells(reply),
      ...(verified ? [verifiedCell(verified)] : []),
      ...(probed ? [probedCell(probed, lost)] : []),
      ...(asymmetry.length > 0 ? [{text: ` ${asymmetry.join(' ')}`, tone: 'warn' as const}] : []),
    ],
    facets,
  };
}

/** From the surest to what nobody knows. */
const GRADES = ['proven', 'inferred', 'ambiguous', 'unknown'] as const;

/** How sure the whole of it is: as its least sure hop, of every way that there may be. */
function worstGrade(ways: readonly WayRow[]): (typeof GRADES)[number] {
  const all = ways.flatMap(way => [way.grade, ...way.hops.map(hop => hop.grade)]);
  return GRADES[Math.max(0, ...all.map(grade => GRADES.indexOf(grade)))]!;
}

/** How sure it is, whether a full-size packet passes, and where the least room is. */
function size(ways: readonly WayRow[]): Cell[] {
  const [way] = ways;
  if (!way || ways.some(({outcome}) => outcome === 'broken' || outcome === 'unknown')) return [];
  const worst = worstGrade(ways);
  const grade: Cell = {
    text: ` ${worst === 'proven' ? 'Every hop is proven.' : `At best ${worst}.`}`,
    tone: gradeTone(worst),
  };
  const tight = ways.find(({mtu}) => mtu && !mtu.fits) ?? way;
  // What a packet meets between nodes that were not read, nobody knows; to oneself there is no link to be narrow.
  const unread = ways.some(({hops}) => hops.some(hop => hop.way === 'fabric' && hop.grade !== 'proven'));
  if (!tight.mtu || tight.mtu.full > LARGEST_PACKET) return [grade];
  const {full, room, hop, fits} = tight.mtu;
  if (fits)
    return [grade, {text: ` Full packets of ${full} bytes fit${unread ? ', as far as was read' : ''}.`}];
  const narrowest = tight.hops[hop]!;
  return [
    grade,
    {
      text: ` Packets of ${full} bytes do not fit: ${narrowest.link ?? narrowest.place} has room for ${room}${narrowest.overhead > 0 ? ` (MTU ${narrowest.mtu} less ${narrowest.overhead} for ${narrowest.layers.map(({kind}) => kind).join(', ')})` : ''}.`,
      tone: 'bad',
    },
  ];
}

/** Of IPv4 and of IPv6 without jumbograms (RFC 791): the MTU of `lo` is beyond it. */
const LARGEST_PACKET = 65_535;

/** The way back is told in one line with the other where it does not surely arrive. */
function backCells(reply: Direction | undefined): Cell[] {
  if (!reply) return [];
  if (tone(reply) !== 'plain') return [{text: ` Back: ${reply.sentence}`, tone: tone(reply)}];
  const worst = worstGrade(reply.ways);
  return worst === 'proven' ? [] : [{text: ` Back: at best ${worst}.`, tone: gradeTone(worst)}];
}

function tone({ways}: Direction): Tone {
  if (ways.some(({outcome}) => outcome === 'broken')) return 'bad';
  return ways.length === 0 || ways.some(({outcome}) => outcome === 'unknown') ? 'warn' : 'plain';
}
