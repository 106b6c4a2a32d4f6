import {act, type Binding, draw, type Effect, open, overlay} from './binding.ts';
import {nextSort, recordingName} from './choices.ts';
import {columnsAside} from './columns.ts';
import {isSideBySide} from './fields.ts';
import type {Sort} from './items.ts';
import {type Move, type Place, placeOf, shown} from './navigation.ts';
import {PLAYER_KEYS} from './player-keys.ts';
import {facetShown, type Ui, underCursor} from './state.ts';
import {pathAsked, pathEnds} from './subject.ts';

/** The keys of a screen that nothing lies over. */
export const SCREEN_KEYS: readonly Binding[] = [
  {
    context: 'screen',
    keys: ['Enter'],
    name: 'open',
    description: 'Opens what the cursor is on.',
    footer: 1,
    blocked: ui => (underCursor(ui)?.opens ? undefined : 'There is nothing to open on this line.'),
    run: ui => open(underCursor(ui)?.opens),
  },
  {
    context: 'screen',
    keys: ['Esc', 'Backspace', '['],
    name: ui => (filterOf(ui) === '' ? 'back' : 'no filter'),
    description: 'Clears the filter, or goes back to the screen before, as it was left.',
    footer: 2,
    blocked: ui =>
      filterOf(ui) === '' && ui.navigation.stack.length === 1
        ? 'This is the first screen; q quits.'
        : undefined,
    run: ui =>
      filterOf(ui) === '' ? draw({type: 'step', step: {type: 'back'}}) : draw({type: 'filter', text: ''}),
  },
  {
    context: 'screen',
    keys: [']'],
    name: 'forward',
    description: 'Goes forward again to the screen that was left by going back.',
    blocked: ui => (ui.navigation.ahead.length > 0 ? undefined : 'There is no screen to go forward to.'),
    run: () => draw({type: 'step', step: {type: 'forward'}}),
  },
  {
    context: 'screen',
    keys: ['Tab'],
    name: 'next part',
    description: 'Shows the next part of this screen.',
    footer: 3,
    blocked: oneFacet,
    run: () => draw({type: 'step', step: {type: 'facet', by: 1}}),
  },
  {
    context: 'screen',
    keys: ['Shift-Tab'],
    name: 'part before',
    description: 'Shows the part before.',
    blocked: oneFacet,
    run: () => draw({type: 'step', step: {type: 'facet', by: -1}}),
  },
  sideways(
    ['Right', 'l'],
    'Moves to the right in a matrix or between two sides; else shows the next part.',
    1,
    3.5,
  ),
  sideways(['Left', 'h'], 'Moves to the left there; else shows the part before.', -1),
  aside(['L'], 'more columns', 'Shows the columns that do not fit, one screen of them after the other.', 1),
  aside(['H'], 'columns before', 'Goes back to the columns before, and to those that matter most.', -1),
  moving(['j', 'Down'], 'Moves the cursor down.', {by: 1}),
  moving(['k', 'Up'], 'Moves the cursor up.', {by: -1}),
  moving(['PageDown', 'Ctrl-F'], 'Moves one page down.', {pages: 1}),
  moving(['PageUp', 'Ctrl-B'], 'Moves one page up.', {pages: -1}),
  moving(['g', 'Home'], 'Goes to the first line.', {to: 'first'}),
  moving(['G', 'End'], 'Goes to the last line.', {to: 'last'}),
  {
    context: 'screen',
    keys: ['/'],
    name: 'filter',
    description:
      'Shows only rows with these words. column=value looks in one column (* is anything), column>n compares.',
    footer: 4,
    blocked: ui => (tableOf(ui) ? undefined : 'Only a table can be filtered.'),
    run: ui => overlay({kind: 'filter', text: filterOf(ui), before: filterOf(ui)}),
  },
  {
    context: 'screen',
    keys: ['s'],
    name: 'sort',
    description: 'Sorts by the next column, and after the last one not at all.',
    footer: 5,
    blocked: unsortable,
    run: ui => sortBy(ui, nextSort(tableOf(ui)!, sortOf(ui))),
  },
  {
    context: 'screen',
    keys: ['S'],
    name: 'reverse',
    description: 'Turns the order round.',
    blocked: ui => unsortable(ui) ?? (sortOf(ui) ? undefined : 'Nothing is sorted yet; s sorts.'),
    run: ui => sortBy(ui, {...sortOf(ui)!, descending: !sortOf(ui)!.descending}),
  },
  {
    context: 'screen',
    keys: ['o'],
    name: 'other end',
    description:
      'Goes to the other end of what the cursor is on, e.g. the same connection seen from the other node.',
    footer: 6,
    blocked: ui => (underCursor(ui)?.other ? undefined : 'No other end is known for this line.'),
    run: ui => open(underCursor(ui)?.other),
  },
  {
    context: 'screen',
    keys: ['e'],
    name: 'evidence',
    description: 'Shows where this line comes from: node, command, time and the raw lines.',
    footer: 7,
    blocked: ui =>
      (underCursor(ui)?.evidence ?? []).length > 0 ? undefined : 'This line carries no evidence.',
    run: ui => overlay({kind: 'evidence', top: 0, list: underCursor(ui)?.evidence ?? []}),
  },
  {
    context: 'screen',
    keys: ['m'],
    name: ui => (ui.mark !== undefined && pathEnds(ui).here === ui.mark ? 'unmark' : 'mark'),
    description:
      'Marks what the cursor is on as the beginning of a path; again on the same takes the mark away.',
    footer: 7.3,
    blocked: ui =>
      pathEnds(ui).here === undefined ? 'What the cursor is on is no end of a path.' : undefined,
    run: ui => mark(ui, pathEnds(ui).here),
  },
  {
    context: 'screen',
    keys: ['p'],
    name: 'path',
    description:
      'Shows the path from the mark to what the cursor is on; without a mark that between the ends of a connection.',
    footer: 7.6,
    blocked: ui => {
      const asked = pathAsked(ui);
      return typeof asked === 'string' ? asked : undefined;
    },
    run: ui => {
      const asked = pathAsked(ui);
      return typeof asked === 'string' ? [] : open(asked);
    },
  },
  {
    context: 'screen',
    keys: [':'],
    name: 'go to',
    description: 'Goes to any question by name, e.g. pod shop/web-1, with completion.',
    footer: 8,
    run: () => overlay({kind: 'palette', text: '', selected: 0, completions: [], completed: undefined}),
  },
  {
    context: 'screen',
    keys: ['!'],
    name: 'gaps',
    description: 'Lists what could not be seen here, why, and what would reveal it.',
    blocked: ui =>
      (shown(ui.navigation).view?.gaps.length ?? 0) > 0 ? undefined : 'There are no gaps here.',
    run: () => overlay({kind: 'gaps', top: 0}),
  },
  {
    context: 'screen',
    keys: ['$'],
    name: 'command',
    description: 'Shows the whole command that prints this answer, to be copied.',
    run: () => [{do: 'show-command'}],
  },
  {
    context: 'screen',
    keys: ['n'],
    name: 'nodes',
    description: 'Shows how each node is reached: state, step, how long, and why one is lost.',
    run: () => overlay({kind: 'nodes', top: 0}),
  },
  {
    context: 'screen',
    keys: ['r'],
    name: 'refresh',
    description: 'Reads the nodes again now.',
    blocked: ui => (ui.status?.player ? 'A recording cannot be read again.' : undefined),
    run: () => act({do: 'refresh'}),
  },
  {
    context: 'screen',
    keys: ['Space'],
    name: ui =>
      ui.status?.player
        ? ui.status.player.playing
          ? 'pause'
          : 'play'
        : ui.status?.paused
          ? 'go on'
          : 'pause',
    description: 'Pauses and goes on: reading live, or playing a recording.',
    footer: 9,
    run: ui =>
      ui.status?.player
        ? act({do: 'play', playing: !ui.status.player.playing})
        : act({do: 'pause', paused: !(ui.status?.paused ?? false)}),
  },
  ...PLAYER_KEYS,
  {
    context: 'screen',
    keys: ['R'],
    name: ui => (ui.status?.recording ? 'stop recording' : 'record'),
    description: 'Starts recording into a file, or stops.',
    blocked: ui => (ui.status?.player ? 'This is a recording already.' : undefined),
    run: ui =>
      ui.status?.recording
        ? act({do: 'stop-recording'})
        : overlay({kind: 'record', text: recordingName(ui.status?.now ?? '')}),
  },
  {
    context: 'screen',
    keys: ['?'],
    name: 'help',
    description: 'Explains the keys.',
    footer: 98,
    run: () => overlay({kind: 'help', top: 0}),
  },
  {
    context: 'screen',
    keys: ['q'],
    name: 'quit',
    description: 'Leaves hoptop.',
    footer: 99,
    run: () => [{do: 'quit'}],
  },
];

function mark(ui: Ui, words: string | undefined): readonly Effect[] {
  if (words === ui.mark) return draw({type: 'mark', words: undefined});
  const told = `A is ${words}: p shows the path from it to what the cursor is on.`;
  return [...draw({type: 'mark', words}), ...draw({type: 'notice', text: told})];
}

function aside(keys: readonly string[], name: string, description: string, direction: 1 | -1): Binding {
  return {
    context: 'screen',
    keys,
    name,
    description,
    blocked: ui => {
      const table = tableOf(ui);
      if (!table) return 'Only a table has columns.';
      if (columnsAside(ui, table, direction)) return undefined;
      if (direction > 0) return 'There are no more columns to the right.';
      return 'These are the columns that matter most; L shows more.';
    },
    run: ui => {
      const place = placeOf(shown(ui.navigation));
      const {skip: _, ...rest} = place;
      const next = columnsAside(ui, tableOf(ui)!, direction);
      const skip = next?.skip;
      return next
        ? draw({type: 'step', step: {type: 'place', place: {...rest, ...(skip === undefined ? {} : {skip})}}})
        : [];
    },
  };
}

/** Within the line where it has places of its own, else to the part beside this one. */
function sideways(keys: readonly string[], description: string, by: 1 | -1, footer?: number): Binding {
  return {
    context: 'screen',
    keys,
    name: 'sideways',
    description,
    ...(footer === undefined ? {} : {footer}),
    worth: ui => placesAcross(ui) > 0,
    blocked: ui => (placesAcross(ui) > 0 ? undefined : oneFacet(ui)),
    run: ui => {
      const places = placesAcross(ui);
      if (places === 0) return draw({type: 'step', step: {type: 'facet', by}});
      const {column: at = -1, ...rest} = placeOf(shown(ui.navigation));
      const next = Math.max(-1, Math.min(places - 1, at + by));
      return draw({type: 'step', step: {type: 'place', place: next < 0 ? rest : {...rest, column: next}}});
    },
  };
}

/** Places that the cursor has within a line, after its first. */
function placesAcross(ui: Ui): number {
  const body = facetShown(ui)?.body;
  if (body?.type === 'fields') return isSideBySide(body, ui.columns - 2) ? 1 : 0;
  return body?.type === 'matrix' ? body.names.length : 0;
}

function moving(keys: readonly string[], description: string, move: Move): Binding {
  return {context: 'screen', keys, name: 'move', description, run: () => draw({type: 'move', move})};
}

/** A new order starts at its first row: one sorts to see what comes first. */
function sortBy(ui: Ui, sort: Sort | undefined): readonly Effect[] {
  const {id: _, sort: __, ...kept} = placeOf(shown(ui.navigation));
  const place: Place = {...kept, index: 0, top: 0, ...(sort ? {sort} : {})};
  return draw({type: 'step', step: {type: 'place', place}});
}

function tableOf(ui: Ui) {
  const body = facetShown(ui)?.body;
  return body?.type === 'table' ? body : undefined;
}

function filterOf(ui: Ui): string {
  return placeOf(shown(ui.navigation)).filter;
}

function sortOf(ui: Ui): Sort | undefined {
  return placeOf(shown(ui.navigation)).sort;
}

function oneFacet(ui: Ui): string | undefined {
  return (shown(ui.navigation).view?.facets.length ?? 0) > 1 ? undefined : 'This screen has one part only.';
}

function unsortable(ui: Ui): string | undefined {
  return tableOf(ui)?.columns.some(column => column.sortable) ? undefined : 'Nothing here can be sorted.';
}
