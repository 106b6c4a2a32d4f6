import type {Question} from '../questions/question.ts';
import type {View} from '../views/view.ts';
import type {Sort} from './items.ts';
import type {Widths} from './layout.ts';

/** Where a person is in one facet. */
export type Place = {
  /** The thing under the cursor; the cursor follows it from one generation to the next. */
  readonly id?: string;
  /** Its place in the list when last seen, and the first line on screen then. */
  readonly index: number;
  readonly top: number;
  readonly filter: string;
  readonly sort?: Sort;
  /**
   * Where the cursor is within its line: a matrix's column, absent on the name of the row; of two sides that stand
   * side by side the second, absent on the first.
   */
  readonly column?: number;
  /** How far the table is scrolled sideways, see `fitColumns`; absent: its most important columns are shown. */
  readonly skip?: number;
};

/** One level of the stack: a question with where one is in its answer. */
export type Screen = {
  readonly question: Question;
  /** The last answer's view; kept below other screens, so that going back shows something at once. */
  readonly view?: View;
  /** Key of the facet that is shown; the first one when absent or gone. */
  readonly facet?: string;
  readonly places: Readonly<Record<string, Place>>;
  /** Cell texts by row id of what was on screen before the last answer: what differs is marked as changed. */
  readonly seen: ReadonlyMap<string, readonly string[]>;
  /** Column widths of the last generations, by facet: a column gets narrower only when it is so for a while. */
  readonly widths: Readonly<Record<string, Widths>>;
};

/** `stack` is never empty; its last screen is shown. `ahead` holds what `back` left, nearest last. */
export type Navigation = {readonly stack: readonly Screen[]; readonly ahead: readonly Screen[]};

export type Step =
  | {readonly type: 'open'; readonly question: Question}
  | {readonly type: 'back'}
  | {readonly type: 'forward'}
  | {readonly type: 'facet'; readonly by: number}
  /** Moves the cursor of the facet that is shown. */
  | {readonly type: 'place'; readonly place: Place};

/** What the cursor moves over: the part of `Items` that moving needs. */
export type List = {readonly count: number; readonly selectable: boolean; id(i: number): string};

export type Move = {readonly by: number} | {readonly pages: number} | {readonly to: 'first' | 'last'};

const START: Place = {index: 0, top: 0, filter: ''};

export function newScreen(question: Question): Screen {
  return {question, places: {}, seen: new Map(), widths: {}};
}

export function startAt(question: Question): Navigation {
  return {stack: [newScreen(question)], ahead: []};
}

export function shown(navigation: Navigation): Screen {
  return navigation.stack.at(-1)!;
}

export function sameQuestion(a: Question, b: Question): boolean {
  return a.name === b.name && a.words.length === b.words.length && a.words.every((w, i) => w === b.words[i]);
}

/** Index of the facet that is shown; -1 while there is no answer or no facet. */
export function facetIndex(screen: Screen): number {
  const facets = screen.view?.facets ?? [];
  const found = facets.findIndex(facet => facet.key === screen.facet);
  return found >= 0 ? found : facets.length > 0 ? 0 : -1;
}

export function placeOf(screen: Screen): Place {
  const facet = screen.view?.facets[facetIndex(screen)];
  return (facet && screen.places[facet.key]) ?? START;
}

export function navigate(navigation: Navigation, step: Step): Navigation {
  const {stack, ahead} = navigation;
  const top = shown(navigation);
  switch (step.type) {
    case 'open':
      if (sameQuestion(top.question, step.question)) return navigation;
      return {stack: [...stack, newScreen(step.question)], ahead: []};
    case 'back':
      return stack.length === 1 ? navigation : {stack: stack.slice(0, -1), ahead: [...ahead, top]};
    case 'forward': {
      const next = ahead.at(-1);
      return next ? {stack: [...stack, next], ahead: ahead.slice(0, -1)} : navigation;
    }
    case 'facet': {
      const facets = top.view?.facets ?? [];
      if (facets.length === 0) return navigation;
      const next = facets[(facetIndex(top) + step.by + facets.length) % facets.length]!;
      return withTop(navigation, {...top, facet: next.key, seen: new Map()});
    }
    case 'place': {
      const facet = top.view?.facets[facetIndex(top)];
      if (!facet) return navigation;
      return withTop(navigation, {...top, places: {...top.places, [facet.key]: step.place}});
    }
  }
}

export function withTop(navigation: Navigation, screen: Screen): Navigation {
  return {...navigation, stack: [...navigation.stack.slice(0, -1), screen]};
}

/** Moves the cursor within `list`, of which `height` lines are on screen, and scrolls no more than it must. */
export function moveCursor(place: Place, list: List, height: number, move: Move): Place {
  const page = Math.max(1, height - 1);
  const from = list.selectable ? place.index : place.top;
  const last = list.selectable ? list.count - 1 : list.count - height;
  const target =
    'to' in move ? (move.to === 'first' ? 0 : last) : from + ('by' in move ? move.by : move.pages * page);
  const index = clamp(target, 0, last);
  if (!list.selectable) return {...place, index, top: index};
  // A page moves the window along with the cursor, so that the cursor keeps its line on screen.
  const top = 'pages' in move ? place.top + (index - from) : place.top;
  return at(place, list, height, index, top);
}

/**
 * The same place in a list that may have changed: the cursor stays on its thing; when that is gone, it stays where it
 * was. With `still` the thing also stays on its line of the screen while rows come and go around it, even if that
 * leaves lines empty at the end: live data never moves what one is looking at.
 */
export function settle(place: Place, list: List, height: number, still: boolean): Place {
  if (!list.selectable) return moveCursor(place, list, height, {by: 0});
  const found = place.id === undefined ? undefined : find(list, place.id, place.index);
  const index = found ?? clamp(place.index, 0, list.count - 1);
  return at(place, list, height, index, place.top + (index - place.index), still && found !== undefined);
}

function at(place: Place, list: List, height: number, index: number, top: number, still = false): Place {
  const low = Math.max(0, index - height + 1);
  const visible = clamp(top, low, index);
  const first = still ? visible : clamp(visible, 0, Math.max(0, list.count - height));
  const {id: _, ...rest} = place;
  return list.count === 0
    ? {...rest, index: 0, top: 0}
    : {...rest, id: list.id(index), index, top: Math.max(0, first)};
}

/** A thing that moved farther than this in one generation is taken for gone: looking through a million rows is felt. */
const FAR = 20_000;

/** Looks near the old place first: rows seldom move far from one generation to the next. */
function find(list: List, id: string, near: number): number | undefined {
  const start = clamp(near, 0, list.count - 1);
  for (let off = 0; off < Math.min(list.count, FAR); off++) {
    if (start - off >= 0 && start - off < list.count && list.id(start - off) === id) return start - off;
    if (off > 0 && start + off < list.count && list.id(start + off) === id) return start + off;
  }
  return undefined;
}

export function clamp(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(high, value));
}
