import {type Pair, pairSentence, type Seen} from './mesh-pairs.ts';

/** What is wrong between members, many pairs in one where they have a node in common. */
export type Trouble = {
  readonly seen: Seen;
  readonly sentence: string;
  readonly pairs: readonly Pair[];
};

/** From so many pairs with the same trouble on, a row or column of them is told of in one sentence. */
const MANY = 3;

/** Of one channel. What explains most comes first: a row or a column that is wholly in trouble, then single pairs. */
export function troublesOf(pairs: readonly Pair[]): Trouble[] {
  const bySeen = new Map<Seen, Pair[]>();
  for (const pair of pairs) bySeen.set(pair.seen, [...(bySeen.get(pair.seen) ?? []), pair]);
  return [...bySeen]
    .flatMap(([seen, alike]) => grouped(seen, alike))
    .sort((a, b) => b.pairs.length - a.pairs.length);
}

function grouped(seen: Seen, alike: readonly Pair[]): Trouble[] {
  let left = [...alike];
  const found: Trouble[] = [];
  while (left.length > 0) {
    const lines = [
      ...lineUp(left, 'from').map(line => ['from', line] as const),
      ...lineUp(left, 'to').map(line => ['to', line] as const),
    ].sort((a, b) => b[1].length - a[1].length);
    const [best] = lines;
    if (!best || best[1].length < MANY) break;
    const [side, line] = best;
    found.push({seen, sentence: lineSentence(seen, side, line), pairs: line});
    const told = new Set(line);
    left = left.filter(pair => !told.has(pair));
  }
  const single = left.map(pair => ({
    seen,
    sentence: `${pair.from.name} → ${pair.to.name}: ${pairSentence(pair)}`,
    pairs: [pair],
  }));
  return [...found, ...single];
}

function lineUp(pairs: readonly Pair[], side: 'from' | 'to'): Pair[][] {
  const lines = new Map<number, Pair[]>();
  for (const pair of pairs) {
    const same = lines.get(pair[side].index);
    if (same) same.push(pair);
    else lines.set(pair[side].index, [pair]);
  }
  return [...lines.values()];
}

const SAYS: Partial<Record<Seen, string>> = {
  calling: 'calls without an answer',
  stuck: 'what is sent is not acknowledged',
  none: 'none, though others have one',
  caller: 'only seen from the end that calls',
  called: 'only seen from the end that is called',
};

function lineSentence(seen: Seen, side: 'from' | 'to', line: readonly Pair[]): string {
  const [first] = line;
  const others = `${line.length} nodes`;
  const ends = side === 'from' ? `${first!.from.name} → ${others}` : `${others} → ${first!.to.name}`;
  return `${ends}: ${SAYS[seen] ?? seen}`;
}
