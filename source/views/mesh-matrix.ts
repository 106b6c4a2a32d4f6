import type {MeshAnswer} from '../questions/mesh.ts';
import type {Seen} from '../questions/mesh-pairs.ts';
import type {MeshNode, MeshPair} from '../questions/mesh-rows.ts';
import type {Question} from '../questions/question.ts';
import {count} from './units.ts';
import type {Matrix, MatrixCell, Tone} from './view.ts';

type Sign = {readonly sign: string; readonly tone: Tone; readonly text: string};

/** ASCII: some terminals give other signs two cells, and a matrix with such does not line up. */
const SIGNS: Record<Seen, Sign> = {
  calling: {sign: '!', tone: 'bad', text: 'no answer'},
  stuck: {sign: '!', tone: 'bad', text: 'no answer'},
  none: {sign: 'x', tone: 'bad', text: 'none, others have one'},
  caller: {sign: '>', tone: 'warn', text: 'seen from the row only'},
  called: {sign: '<', tone: 'warn', text: 'seen from the column only'},
  both: {sign: '+', tone: 'good', text: 'both ends'},
  'caller-unread': {sign: ')', tone: 'plain', text: 'the row’s end; the other not read'},
  'called-unread': {sign: '(', tone: 'plain', text: 'the column’s end; the other not read'},
  served: {sign: 'u', tone: 'good', text: 'UDP, the row’s end'},
  past: {sign: '-', tone: 'dim', text: 'closed'},
  unknown: {sign: '?', tone: 'warn', text: 'not read'},
};
const TUNNEL: Sign = {sign: '?', tone: 'dim', text: 'a tunnel of the kernel: no socket shows who sends'};
const OLD: Sign = {sign: 'o', tone: 'dim', text: 'as last read: one of the two is not reached now'};
const NOTHING: Sign = {sign: '.', tone: 'dim', text: 'none'};

export function seenSign(seen: Seen): Sign {
  return SIGNS[seen];
}

/** What is in trouble is shown before what is whole, and that before what says little. */
const ORDER: readonly Seen[] = [
  'both',
  'served',
  'caller-unread',
  'called-unread',
  'caller',
  'called',
  'past',
  'unknown',
];

const TROUBLES: readonly Seen[] = ['calling', 'stuck', 'none', 'caller', 'called'];

function rank({seen, trouble}: MeshPair): number {
  return trouble ? TROUBLES.indexOf(seen) : TROUBLES.length + ORDER.indexOf(seen);
}

/** Rows call columns. A cell is the worst of what the two have on all the ports that are shown. */
export function meshMatrix({nodes, pairs, ports, of}: MeshAnswer): Matrix {
  const tunnel = isTunnel({ports, pairs});
  const indexes = new Map(nodes.map(({name}, i) => [name, i]));
  const cells = new Map<number, MeshPair[]>();
  for (const pair of pairs) {
    const key = indexes.get(pair.from)! * nodes.length + indexes.get(pair.to)!;
    const same = cells.get(key);
    if (same) same.push(pair);
    else cells.set(key, [pair]);
  }
  for (const found of cells.values()) found.sort((a, b) => rank(a) - rank(b));
  const at = (row: number, column: number) => cells.get(row * nodes.length + column) ?? [];
  const troubles = troublesByNode(pairs);
  const words = of.what === undefined ? [] : [of.what];
  return {
    type: 'matrix',
    names: nodes.map(node => ({
      text: node.name,
      ...(node.kind === 'read' ? {} : {tone: 'dim' as const}),
      opens: {name: 'mesh', words: [...words, node.name]},
      says: nameSays(node, troubles.get(node.name) ?? 0),
      subject: node.name,
    })),
    cell: (row, column) => cellOf(nodes[row]!, nodes[column]!, at(row, column), words, tunnel),
    legend: legendOf(nodes, cells, tunnel),
    empty: 'No node was read.',
  };
}

function troublesByNode(pairs: readonly MeshPair[]): Map<string, number> {
  const found = new Map<string, number>();
  for (const {trouble, from, to} of pairs) {
    if (trouble) for (const name of new Set([from, to])) found.set(name, (found.get(name) ?? 0) + 1);
  }
  return found;
}

function nameSays({name, kind, why}: MeshNode, troubles: number): string {
  const trouble =
    troubles > 0 ? `${count(troubles, 'pair')} with it in trouble` : 'nothing is wrong, as far as was read';
  switch (kind) {
    case 'unread':
      return `${name}: not read`;
    case 'address':
      return `${name}: a node that was not read; ${why ?? ''}`;
    default:
      return `${name}${kind === 'stale' ? ' (not reached now)' : ''}: ${trouble}`;
  }
}

function cellOf(
  from: MeshNode,
  to: MeshNode,
  found: readonly MeshPair[],
  words: readonly string[],
  tunnel: boolean,
): MatrixCell {
  const ends = {subject: from.name, toward: to.name};
  const [worst] = found;
  if (!worst) {
    if (tunnel) return {...TUNNEL, ...ends, says: `${from.name} → ${to.name}: not known, ${TUNNEL.text}`};
    const unread = [from, to].filter(node => !isWhole(node)).map(nameWhy);
    if (unread.length === 0)
      return {...NOTHING, ...ends, says: `${from.name} → ${to.name}: no connection, and none is expected`};
    return {
      ...SIGNS.unknown,
      ...ends,
      says: `${from.name} → ${to.name}: not known, ${unread.join(' and ')}`,
    };
  }
  const more = found.length > 2 ? `; ${found.length - 2} more` : '';
  const said = found
    .slice(0, 2)
    .map(pair => `${pairPort(pair)} ${pair.why}`)
    .join('; ');
  return {
    sign: signOf(worst, from, to).sign,
    tone: isOld(worst, from, to)
      ? OLD.tone
      : worst.trouble || worst.seen !== 'caller'
        ? SIGNS[worst.seen].tone
        : 'plain',
    says: `${from.name} → ${to.name}: ${said}${more}${isOld(worst, from, to) ? '; as last read' : ''}`,
    opens: opensPair(found, from.name, to.name, words),
    other: {name: 'mesh', words: [...words, to.name]},
    evidence: found.flatMap(({evidence}) => evidence).slice(0, 5),
    ...ends,
  };
}

/** Nothing but a tunnel of the kernel is shown: no socket can be there, so no pair is known not to talk. */
export function isTunnel({ports, pairs}: Pick<MeshAnswer, 'ports' | 'pairs'>): boolean {
  return ports.length > 0 && pairs.length === 0 && ports.every(({kernel}) => kernel);
}

/** Only of these does a missing connection say that there is none. */
function isWhole({kind, sockets}: MeshNode): boolean {
  return kind === 'read' && sockets;
}

function nameWhy({name, kind}: MeshNode): string {
  return kind === 'read'
    ? `not all sockets of ${name} read`
    : `${name} ${kind === 'stale' ? 'not reached now' : 'not read'}`;
}

/** What was whole when a node was last read may not be so now. */
function isOld({seen, trouble}: MeshPair, from: MeshNode, to: MeshNode): boolean {
  return !trouble && (seen === 'both' || seen === 'served') && [from, to].some(({kind}) => kind === 'stale');
}

function signOf(worst: MeshPair, from: MeshNode, to: MeshNode): Sign {
  return isOld(worst, from, to) ? OLD : SIGNS[worst.seen];
}

function opensPair(found: readonly MeshPair[], from: string, to: string, words: readonly string[]): Question {
  const [only, ...more] = found;
  return only?.connection !== undefined && more.length === 0
    ? {name: 'connection', words: [only.connection]}
    : {name: 'mesh', words: [...words, from, to]};
}

/** `tcp/4240 cilium-health`. */
export function pairPort({protocol, port, purpose}: Pick<MeshPair, 'protocol' | 'port' | 'purpose'>): string {
  return `${protocol}/${port}${purpose === undefined ? '' : ` ${purpose}`}`;
}

/** Of the signs that are there, what matters most first. */
function legendOf(
  nodes: readonly MeshNode[],
  cells: ReadonlyMap<number, readonly MeshPair[]>,
  tunnel: boolean,
): Sign[] {
  const used = new Set(
    [...cells].map(([key, [worst]]) =>
      signOf(worst!, nodes[Math.floor(key / nodes.length)]!, nodes[key % nodes.length]!),
    ),
  );
  // The sign of a cell is that of one port: a whole one hides what is closed, or not read, on another.
  const mixed = [...cells.values()].some(
    ([worst, ...more]) => worst!.seen === 'both' && more.some(({seen}) => seen !== 'both'),
  );
  const blank = cells.size < nodes.length * nodes.length;
  if (blank && !tunnel && !nodes.every(isWhole)) used.add(SIGNS.unknown);
  const order = [...TROUBLES, ...ORDER].map(seen => SIGNS[seen]);
  const bySign = new Map(order.filter(sign => used.has(sign)).map(sign => [sign.sign, sign]));
  const signs = [...bySign.values()].map(sign =>
    sign === SIGNS.both && mixed ? {...sign, text: `${sign.text} on one port at least`} : sign,
  );
  if (!blank) return [...signs, ...(used.has(OLD) ? [OLD] : [])];
  const whole = nodes.filter(isWhole).length;
  return [...signs, ...(used.has(OLD) ? [OLD] : []), ...(tunnel ? [TUNNEL] : whole > 0 ? [NOTHING] : [])];
}
