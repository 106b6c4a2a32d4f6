import type {NodeStatus, PlayerStatus, Status} from '../session.ts';
import type {Cell} from '../views/view.ts';
import {PASTED_STEP} from '../wire/source.ts';
import {age, clock, size, timeOfDay} from './ages.ts';
import {cut, type Line, lineWidth, spread} from './paint.ts';
import {clean, width} from './text.ts';

/**
 * One line: what is looked at, how much of it is reached, and how old it is. A second one when a recording is played
 * (the transport) or while some node is not reached (which, and what it is busy with), and one more while the way to a
 * node is in doubt.
 */
export function headerLines(status: Status | undefined, columns: number): Line[] {
  const name: Cell = {text: ' hoptop ', tone: 'strong'};
  if (!status) return [[name, {text: ' starting', tone: 'dim'}]];
  const lines = [firstLine(name, status, columns)];
  if (status.player) lines.push(transport(status.player, columns));
  const unreached = [...status.nodes, ...(status.api ? [status.api] : [])].filter(
    node => node.state === 'dialling' || node.state === 'lost',
  );
  if (unreached.length > 0 && !holdsNothing(status)) lines.push(cut(waiting(unreached, status.now), columns));
  const doubted = [...status.nodes, ...(status.api ? [status.api] : [])].filter(
    node => node.warning !== undefined,
  );
  if (doubted.length > 0) lines.push(cut(warnings(doubted), columns));
  return lines;
}

/** Stays on screen: what is shown below may not be what the node said. */
function warnings([first, ...others]: readonly NodeStatus[]): Line {
  const more = others.length > 0 ? ` (and ${others.length} more: n shows all)` : '';
  return [{text: ` ⚠${more} ${clean(first?.warning ?? '')}`, tone: 'bad'}];
}

/** Cells between what stands at the left and what stands at the right. */
const APART = 2;

/** Where not all of it fits, what matters less goes first: how often it is read, the program's name, long words. */
function firstLine(name: Cell, status: Status, columns: number): Line {
  const left = (brief: boolean): Line => [
    {text: ` ${status.source}`, tone: 'accent'},
    {text: ' · '},
    ...reached(status.nodes, brief),
  ];
  const [long, short] = [freshness(status, false), freshness(status, true)];
  const forms: readonly (readonly [Line, Line])[] = [
    [[name, ...left(false)], long],
    [[name, ...left(false)], short],
    [left(false), short],
    [left(true), short],
  ];
  const fits = ([a, b]: readonly [Line, Line]) => lineWidth(a) + APART + lineWidth(b) <= columns;
  const found = forms.find(fits);
  if (found) return spread(...found, columns);
  return spread(left(true), [{text: ' '.repeat(APART)}, ...short], columns);
}

function reached(nodes: readonly NodeStatus[], brief: boolean): Line {
  const total = nodes.length === 1 ? '1 node' : `${nodes.length} nodes`;
  const ready = nodes.filter(node => node.state === 'ready' || node.state === 'back').length;
  const lost = nodes.filter(node => node.state === 'lost').length;
  if (nodes.length === 0) return [{text: 'no nodes', tone: 'warn'}];
  if (nodes.every(node => node.step === PASTED_STEP)) return [{text: `${total} pasted`, tone: 'good'}];
  if (ready === nodes.length) return [{text: `${total} reached`, tone: 'good'}];
  const some = brief ? `${ready}/${nodes.length} reached` : `${ready} of ${total} reached`;
  const parts: Cell[] = [{text: some, tone: 'warn'}];
  if (lost > 0) parts.push({text: `, ${lost} lost`, tone: 'bad'});
  return parts;
}

function freshness(status: Status, brief: boolean): Line {
  const parts: Cell[] = [];
  const {recording, player} = status;
  if (recording) {
    const long = clock(Date.parse(status.now) - Date.parse(recording.since));
    parts.push({text: `● recording ${long}, ${size(recording.bytes)}`, tone: 'bad'}, {text: '  '});
  }
  if (player)
    return [
      ...parts,
      {text: player.playing ? 'playing ' : 'paused ', tone: player.playing ? 'good' : 'warn'},
    ];
  const newest = status.nodes.reduce<string | undefined>(
    (at, node) => (node.at !== undefined && (at === undefined || node.at > at) ? node.at : at),
    undefined,
  );
  const old = age(newest, status.now);
  if (status.paused) parts.push({text: 'PAUSED', tone: 'warn'}, {text: ', '});
  if (old !== undefined) parts.push({text: `data ${old} old`, tone: status.paused ? 'warn' : 'dim'});
  if (!status.paused && !(brief && old !== undefined))
    parts.push({text: `${old === undefined ? '' : ', '}every ${status.every} s`, tone: 'dim'});
  return [...parts, {text: ' '}];
}

/** In fewer cells the bar does not show where one is. */
const BAR = 16;

/** `▶ 12:03:04 ━━━━●──┴──── 0:41 / 1:07  ×1`; events are marked on the bar, the last one reached is named, or not at all. */
function transport(player: PlayerStatus, columns: number): Line {
  const [from, to, at] = [player.from, player.to, player.at].map(moment => Date.parse(moment)) as [
    number,
    number,
    number,
  ];
  const left = ` ${player.playing ? '▶' : '‖'} ${timeOfDay(player.at)} `;
  const right = ` ${clock(at - from)} / ${clock(to - from)}  ×${player.speed} `;
  const room = columns - left.length - right.length;
  const noteOf = (one: PlayerStatus['events'][number]) =>
    [` ${timeOfDay(one.at)} ${clean(one.text)} `, ` ${clean(one.text)} `].find(
      text => width(text) <= room - BAR,
    ) ?? '';
  // The bar keeps its length while events come and go.
  const bar = Math.max(4, room - Math.max(0, ...player.events.map(one => width(noteOf(one)))));
  const event = player.events.findLast(one => one.at <= player.at);
  const note = event ? noteOf(event) : '';
  const place = (moment: number) => Math.round(((moment - from) / Math.max(1, to - from)) * (bar - 1));
  const cells: string[] = Array.from({length: bar}, (_, i) => (i < place(at) ? '━' : '─'));
  for (const one of player.events) cells[Math.max(0, Math.min(bar - 1, place(Date.parse(one.at))))] = '┴';
  cells[Math.max(0, Math.min(bar - 1, place(at)))] = '●';
  return cut(
    [
      {text: left, tone: 'strong'},
      {text: cells.join(''), tone: 'accent'},
      {text: right},
      {text: note, tone: 'dim'},
    ],
    columns,
  );
}

/** Whether a recording is at its end and no node was ever read in it: it was cut, or ended, too early. */
export function holdsNothing(status: Status | undefined): boolean {
  const player = status?.player;
  if (!status || !player || player.at < player.to) return false;
  return status.nodes.every(node => node.sweep === 0 && node.at === undefined);
}

function waiting(nodes: readonly NodeStatus[], now: string): Line {
  const parts = nodes.flatMap((node, i): Cell[] => [
    {text: i === 0 ? ' ' : ' · '},
    {text: `${node.name}: ${busy(node, now)}`, tone: node.state === 'lost' ? 'bad' : 'warn'},
  ]);
  return [{text: ' n', tone: 'accent'}, {text: ' nodes '}, ...parts];
}

/** What a node is doing and for how long: `authenticating, 3 s`. */
export function busy(node: NodeStatus, now: string): string {
  const words = {dialling: node.step ?? 'connecting', ready: 'reached', back: 'reached again', lost: 'lost'}[
    node.state
  ];
  const long = age(node.since, now);
  return long === undefined ? words : `${words}, ${long}`;
}
