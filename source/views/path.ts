import type {Direction, PathAnswer} from '../questions/path.ts';
import type {WayRow} from '../questions/path-rows.ts';
import {gradeTone} from './marks.ts';
import {pathDrawing} from './path-drawing.ts';
import {hopTable} from './path-table.ts';
import {probedCell, probeTable, verifiedCell, verifiedTable} from './path-verify.ts';
import type {Cell, Facet, Tone, View} from './view.ts';

export function pathView(answer: PathAnswer): Omit<View, 'gaps'> {
  const {question, from, to, forward, reply, asymmetry, verified, probed} = answer;
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
      {text: forward.sentence, tone: tone(forward)},
      ...size(forward.ways[0]),
      ...(reply && tone(reply) !== 'plain' ? [{text: ` Back: ${reply.sentence}`, tone: tone(reply)}] : []),
      ...(verified ? [verifiedCell(verified)] : []),
      ...(probed ? [probedCell(probed)] : []),
      ...(asymmetry.length > 0 ? [{text: ` ${asymmetry.join(' ')}`, tone: 'warn' as const}] : []),
    ],
    facets,
  };
}

/** Whether a full-size packet passes, and where the least room is. */
function size(way: WayRow | undefined): Cell[] {
  if (!way || way.outcome === 'broken' || way.outcome === 'unknown') return [];
  const grade: Cell = {
    text: ` ${way.grade === 'proven' ? 'Every hop is proven.' : `At best ${way.grade}.`}`,
    tone: gradeTone(way.grade),
  };
  if (!way.mtu) return [grade];
  const {full, room, hop, fits} = way.mtu;
  const narrowest = way.hops[hop]!;
  if (fits) return [grade, {text: ` Full packets of ${full} bytes fit.`}];
  return [
    grade,
    {
      text: ` Packets of ${full} bytes do not fit: ${narrowest.link ?? narrowest.place} has room for ${room}${narrowest.overhead > 0 ? ` (MTU ${narrowest.mtu} less ${narrowest.overhead} for ${narrowest.layers.map(({kind}) => kind).join(', ')})` : ''}.`,
      tone: 'bad',
    },
  ];
}

function tone({ways}: Direction): Tone {
  if (ways.some(({outcome}) => outcome === 'broken')) return 'bad';
  return ways.length === 0 || ways.some(({outcome}) => outcome === 'unknown') ? 'warn' : 'plain';
}
