import type {Direction, PathAnswer} from '../questions/path.ts';
import type {HopRow, WayRow} from '../questions/path-rows.ts';
import type {Cell, Tone} from './view.ts';
import {widthOf} from './width.ts';

/** Everything is drawn to be read at 80 columns. */
const WIDTH = 78;

type Line = readonly Cell[];
type Box = {readonly title: string; readonly parts: readonly HopRow[]};

/** Each node a box, the links that the packet crosses in it joined by arrows, and what is on the wire between them. */
export function pathDrawing({forward, reply, asymmetry}: PathAnswer): Line[] {
  const lines = drawn('there', forward);
  if (!reply) return lines;
  const same = asymmetry.length === 0 && reply.ways.every(({outcome}) => outcome === 'delivered');
  const back: Line[] = same
    ? [[{text: 'The answer takes the same way back.', tone: 'dim'}]]
    : drawn('back', reply);
  return [...lines, [], ...back];
}

function drawn(which: string, {ways}: Direction): Line[] {
  return ways.flatMap((way, i): Line[] => [
    ...(i > 0 ? [[]] : []),
    [
      {
        text: ways.length > 1 ? `${which}, way ${i + 1} of ${ways.length}${shareText(way)}: ` : `${which}: `,
        tone: 'dim',
      },
      {text: way.sent, tone: 'strong'},
    ],
    ...way.choices.map((choice): Line => [{text: `  ${choice}`, tone: 'accent'}]),
    ...boxed(way),
  ]);
}

function shareText({share}: WayRow): string {
  return share === undefined ? '' : ` (${Math.round(share * 100)} %)`;
}

function boxed(way: WayRow): Line[] {
  const boxes: Box[] = [];
  for (const hop of way.hops) {
    const last = boxes.at(-1);
    const title = hop.node ?? '';
    if (last && last.title === title) boxes[boxes.length - 1] = {title, parts: [...last.parts, hop]};
    else boxes.push({title, parts: [hop]});
  }
  return boxes.flatMap((box, i): Line[] => [
    ...(i > 0 ? wire(way, boxes[i - 1]!, box) : []),
    ...(box.title === '' ? between(box) : node(box)),
  ]);
}

function node({title, parts}: Box): Line[] {
  const top = `┌─ ${title} `;
  const chains = chainsOf(parts);
  return [
    [{text: `${top}${'─'.repeat(Math.max(0, WIDTH - widthOf(top) - 1))}┐`}],
    ...chains.flatMap(chainLines).map(framed),
    [{text: `└${'─'.repeat(WIDTH - 2)}┘`}],
  ];
}

function framed(cells: Line): Line {
  const width = cells.reduce((sum, {text}) => sum + widthOf(text), 0);
  return [{text: '│ '}, ...cells, {text: `${' '.repeat(Math.max(0, WIDTH - 4 - width))} │`}];
}

type Chain = {readonly place: string; readonly hops: readonly HopRow[]};

/** What is in one namespace, in order. */
function chainsOf(parts: readonly HopRow[]): Chain[] {
  const chains: Chain[] = [];
  for (const hop of parts) {
    const place =
      hop.pods.length === 1 && hop.place !== hop.node
        ? hop.pods[0]!
        : hop.place === hop.node
          ? ''
          : (hop.place ?? '');
    const last = chains.at(-1);
    if (last && last.place === place) chains[chains.length - 1] = {place, hops: [...last.hops, hop]};
    else chains.push({place, hops: [hop]});
  }
  return chains;
}

function chainLines({place, hops}: Chain): Line[] {
  const lines: Cell[][] = [[]];
  let width = 0;
  const put = (cells: readonly Cell[]) => {
    const wide = cells.reduce((sum, {text}) => sum + widthOf(text), 0);
    if (width > 0 && width + wide > WIDTH - 4) {
      lines.push([{text: '  '}]);
      width = 2;
    }
    lines.at(-1)!.push(...cells);
    width += wide;
  };
  if (place !== '') put([{text: `${place} `, tone: 'accent'}]);
  let before = '';
  const trouble: Line[] = [];
  for (const [i, hop] of hops.entries()) {
    if (hop.status !== 'ok') trouble.push(...said(hop));
    if (hop.name === undefined || (hop.name === before && hop.way !== 'fabric')) {
      if (hop.way === 'end' && hop.status === 'ok') put([{text: ' ●', tone: 'good'}]);
      continue;
    }
    const arrow = before === '' ? '' : ' → ';
    before = hop.name;
    // It is lost, or not followed further, at the interface that it had just come to.
    const next = hops[i + 1];
    const status = next?.name === hop.name && next.status !== 'ok' ? next.status : hop.status;
    const tone: Tone = status === 'broken' ? 'bad' : status === 'unknown' ? 'warn' : 'strong';
    const mark = status === 'broken' ? '✗ ' : status === 'unknown' ? '? ' : '';
    put([
      {text: arrow, tone: 'dim'},
      {text: `${mark}${hop.name}`, tone},
      {text: hop.mtu === undefined ? '' : ` ${hop.mtu}`, tone: 'dim'},
    ]);
    if (hop.way === 'end' && hop.status === 'ok') put([{text: ' ●', tone: 'good'}]);
  }
  return [...lines, ...trouble];
}

/** Why it does not go on, wrapped. */
function said(hop: HopRow): Line[] {
  const mark = hop.status === 'broken' ? '✗' : '?';
  const tone: Tone = hop.status === 'broken' ? 'bad' : 'warn';
  const reveal =
    hop.reveal === undefined
      ? []
      : wrapped(hop.reveal, WIDTH - 8).map((text): Line => [{text: `    ${text}`, tone: 'dim'}]);
  return [
    ...wrapped(hop.say, WIDTH - 8).map(
      (text, i): Line => [{text: `  ${i === 0 ? mark : ' '} ${text}`, tone}],
    ),
    ...reveal,
  ];
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && widthOf(last) + 1 + widthOf(word) <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** The line between two boxes: the outer packet, what it wraps, and the room that is left. */
function wire(_way: WayRow, before: Box, after: Box): Line[] {
  const hop = before.parts.at(-1)!;
  if (before.title === '' || after.title === '') return [[{text: `${' '.repeat(10)}│`, tone: 'dim'}]];
  const layers = hop.layers.map(({kind, id, port}) =>
    [kind, id, port === undefined ? undefined : `port ${port}`].filter(part => part !== undefined).join(' '),
  );
  const parts = [...layers, ends(hop.packet), ...(hop.room === undefined ? [] : [`room ${hop.room}`])];
  return [
    [
      {text: `${' '.repeat(10)}│  `, tone: 'dim'},
      {text: parts.join(' · '), tone: layers.length > 0 ? 'accent' : 'plain'},
    ],
  ];
}

function ends(packet: string): string {
  return packet.slice(packet.indexOf(' ') + 1);
}

function between({parts}: Box): Line[] {
  return parts.flatMap((hop): Line[] => {
    if (hop.status !== 'ok') return said(hop);
    return wrapped(hop.say, WIDTH - 14).map(
      (text, i): Line => [{text: `          ${i === 0 ? '↓' : ' '} ${text}`}],
    );
  });
}
