import type {Evidence} from '../facts/evidence.ts';
import type {Question} from '../questions/question.ts';
import type {EvidenceText, Status} from '../session.ts';
import type {Facet, View} from '../views/view.ts';
import type {Prompt} from '../wire/prompt.ts';
import {headerLines, holdsNothing} from './header.ts';
import {type Item, type Items, itemsOf} from './items.ts';
import {HELD, headsOf, naturalWidths, sampleRows} from './layout.ts';
import {aroundMatrix} from './matrix.ts';
import {
  facetIndex,
  type Move,
  moveCursor,
  type Navigation,
  navigate,
  type Place,
  placeOf,
  type Step,
  sameQuestion,
  settle,
  shown,
  startAt,
  withTop,
} from './navigation.ts';
import {type Line, wrapLine} from './paint.ts';

/** What lies over the body; while it does, keys go to it. */
export type Overlay =
  | {readonly kind: 'help' | 'gaps' | 'nodes'; readonly top: number}
  | {readonly kind: 'command'; readonly top: number; readonly text: string}
  | {
      readonly kind: 'evidence';
      readonly top: number;
      readonly list: readonly Evidence[];
      /** Absent until the session has looked it up. */
      readonly texts?: readonly EvidenceText[];
    }
  | {
      readonly kind: 'palette';
      readonly text: string;
      readonly selected: number;
      /** The session's completions and the text they are for, which may be what was typed a moment ago. */
      readonly completions: readonly string[];
      readonly completed: string | undefined;
    }
  /** `before`: the filter that Esc brings back. */
  | {readonly kind: 'filter'; readonly text: string; readonly before: string}
  | {readonly kind: 'record'; readonly text: string};

/** Everything that the screen is drawn from. */
export type Ui = {
  readonly navigation: Navigation;
  readonly overlay?: Overlay | undefined;
  readonly status?: Status | undefined;
  readonly prompt?: Prompt | undefined;
  /** What was typed in answer to the prompt. */
  readonly answer?: string | undefined;
  /** One sentence until the next key. */
  readonly notice?: string | undefined;
  /** Where a path begins, as `m` marked it: words of `hoptop path`. */
  readonly mark?: string | undefined;
  readonly columns: number;
  readonly rows: number;
};

export type UiEvent =
  | {readonly type: 'step'; readonly step: Step}
  | {readonly type: 'move'; readonly move: Move}
  | {readonly type: 'answered'; readonly question: Question; readonly view: View}
  | {readonly type: 'status'; readonly status: Status}
  | {readonly type: 'prompt'; readonly prompt: Prompt | undefined}
  | {readonly type: 'answer'; readonly text: string}
  | {readonly type: 'overlay'; readonly overlay: Overlay | undefined}
  | {readonly type: 'filter'; readonly text: string}
  | {readonly type: 'notice'; readonly text: string | undefined}
  | {readonly type: 'mark'; readonly words: string | undefined}
  | {readonly type: 'resize'; readonly columns: number; readonly rows: number};

/** Below this there is no room for anything that could be read. */
export const SMALLEST = {columns: 60, rows: 16};

export function startUi(question: Question, columns: number, rows: number): Ui {
  return {navigation: startAt(question), columns, rows};
}

export function update(ui: Ui, event: UiEvent): Ui {
  switch (event.type) {
    case 'step':
      return widened(settled({...ui, navigation: navigate(ui.navigation, event.step), overlay: undefined}));
    case 'move': {
      const items = itemsShown(ui);
      if (!items) return ui;
      const place = moveCursor(placeOf(shown(ui.navigation)), items, listHeight(ui), event.move);
      return {...ui, navigation: navigate(ui.navigation, {type: 'place', place})};
    }
    case 'answered':
      return answered(ui, event.question, event.view);
    case 'status': {
      const [before, now] = [ui.status?.notice, event.status.notice];
      // Withdrawn by the session, it goes; taken away by a key, it does not come back with the next status.
      const notice = now === before ? ui.notice : (now ?? (ui.notice === before ? undefined : ui.notice));
      return settled({...ui, status: event.status, notice}, true);
    }
    case 'prompt':
      // Nothing that was typed for one prompt may count for another, or stay behind.
      return {
        ...ui,
        prompt: event.prompt,
        answer: ui.prompt?.id === event.prompt?.id ? ui.answer : undefined,
      };
    case 'answer':
      return {...ui, answer: event.text};
    case 'overlay':
      return {...ui, overlay: event.overlay};
    case 'filter': {
      const place = {...placeOf(shown(ui.navigation)), filter: event.text};
      return settled({...ui, navigation: navigate(ui.navigation, {type: 'place', place})});
    }
    case 'notice':
      return {...ui, notice: event.text};
    case 'mark':
      return {...ui, mark: event.words};
    case 'resize': {
      // Widths kept from a wider terminal would make columns drop that fit.
      const screen = {...shown(ui.navigation), widths: {}};
      const {columns, rows} = event;
      return widened(settled({...ui, columns, rows, navigation: withTop(ui.navigation, screen)}));
    }
  }
}

export function facetShown(ui: Ui): Facet | undefined {
  const screen = shown(ui.navigation);
  return screen.view?.facets[facetIndex(screen)];
}

export function itemsShown(ui: Ui): Items | undefined {
  const facet = facetShown(ui);
  const place = placeOf(shown(ui.navigation));
  return facet && itemsOf(facet, place.filter, place.sort, ui.columns - 2);
}

/** What the cursor is on: a line, or a part of it; undefined where there is no cursor. */
export function underCursor(ui: Ui): Item | undefined {
  const items = itemsShown(ui);
  if (!items?.selectable || items.count === 0) return undefined;
  const {index, column} = placeOf(shown(ui.navigation));
  return items.item(index, column);
}

/** What matters most here, in at most two lines. */
export function summaryLines(ui: Ui): Line[] {
  const summary = shown(ui.navigation).view?.summary ?? [];
  if (summary.length === 0 || holdsNothing(ui.status)) return [];
  return wrapLine(summary, ui.columns - 2, 2).map(line => [{text: ' '}, ...line]);
}

/** Whether a line says how much could not be seen; where nothing was recorded, the body says so. */
export function hasGapLine(ui: Ui): boolean {
  return (shown(ui.navigation).view?.gaps.length ?? 0) > 0 && !holdsNothing(ui.status);
}

/** Lines that the body has: what header, breadcrumb, summary, facets, gaps and footer leave. */
export function bodyHeight(ui: Ui): number {
  const view = shown(ui.navigation).view;
  const crumb = 1;
  const summary = summaryLines(ui).length;
  const facets = view ? 1 : 0;
  const gaps = hasGapLine(ui) ? 1 : 0;
  const footer = 2;
  return Math.max(
    1,
    ui.rows - headerLines(ui.status, ui.columns).length - crumb - summary - facets - gaps - footer,
  );
}

/** Lines of the body that the cursor moves over: the head of a table is not one of them, nor is a matrix's legend. */
export function listHeight(ui: Ui): number {
  const body = facetShown(ui)?.body;
  const heads = body?.type === 'table' ? 1 : body?.type === 'matrix' ? aroundMatrix(body, ui.columns) : 0;
  return Math.max(1, bodyHeight(ui) - heads);
}

/** Puts the cursor where its thing is now; called whenever the list or its height may have changed. */
function settled(ui: Ui, still = false): Ui {
  const items = itemsShown(ui);
  if (!items) return ui;
  const before = placed(ui) ? placeOf(shown(ui.navigation)) : firstPlace(ui, items);
  const place = settle(before, items, listHeight(ui), still);
  return placed(ui) && samePlace(before, place)
    ? ui
    : {...ui, navigation: navigate(ui.navigation, {type: 'place', place})};
}

/** Whether a cursor was put into the facet that is shown. */
function placed(ui: Ui): boolean {
  const facet = facetShown(ui);
  return facet !== undefined && shown(ui.navigation).places[facet.key] !== undefined;
}

/** Among fields the cursor starts on the first one that opens something: Enter is the first key that one tries. */
function firstPlace(ui: Ui, items: Items): Place {
  const place = placeOf(shown(ui.navigation));
  if (facetShown(ui)?.body.type !== 'fields') return place;
  const index = Array.from({length: items.count}, (_, i) => i).find(i => items.item(i).opens);
  return index === undefined ? place : {...place, index};
}

function samePlace(a: Place, b: Place): boolean {
  return a.id === b.id && a.index === b.index && a.top === b.top;
}

/** A late answer to a question that was left is of no use any more. */
function answered(ui: Ui, question: Question, view: View): Ui {
  const screen = shown(ui.navigation);
  if (!sameQuestion(screen.question, question)) return ui;
  const next = {...screen, view, seen: textsOnScreen(ui)};
  return widened(settled({...ui, navigation: withTop(ui.navigation, next)}, true), true);
}

/** Texts by row id of the rows that are on screen now: what the next answer is compared with. */
function textsOnScreen(ui: Ui): ReadonlyMap<string, readonly string[]> {
  const body = facetShown(ui)?.body;
  if (body?.type !== 'table') return new Map();
  return new Map(
    rowsOnScreen(ui).map(i => {
      const row = body.row(i);
      return [row.id, row.cells.map(cell => cell.text)];
    }),
  );
}

/** Numbers of the table's rows that are on screen, from the top. */
export function rowsOnScreen(ui: Ui): readonly number[] {
  const items = itemsShown(ui);
  if (!items) return [];
  const {top} = placeOf(shown(ui.navigation));
  const count = Math.max(0, Math.min(listHeight(ui), items.count - top));
  return Array.from({length: count}, (_, n) => items.at(top + n));
}

/** Measures the table that is shown, so that its columns keep their widths while one scrolls through it. */
function widened(ui: Ui, generation = false): Ui {
  const facet = facetShown(ui);
  if (facet?.body.type !== 'table') return ui;
  if (!generation && shown(ui.navigation).widths[facet.key]) return ui;
  const {body, key} = facet;
  const screen = shown(ui.navigation);
  const measured = naturalWidths(body, headsOf(body.columns, undefined), sampleRows(body));
  const widths = {...screen.widths, [key]: [...(screen.widths[key] ?? []), measured].slice(-HELD)};
  return {...ui, navigation: withTop(ui.navigation, {...screen, widths})};
}
