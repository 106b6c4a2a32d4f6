import {nextSort, nextSpeed, recordingName} from './choices.ts';
import {questionOf} from './command.ts';
import type {Item, Sort} from './items.ts';
import {type Move, type Place, placeOf, shown} from './navigation.ts';
import {scrolled} from './reader.ts';
import type {Act} from './session.ts';
import {facetShown, itemsShown, type Overlay, type Ui, type UiEvent} from './state.ts';

/** What a key leads to. Only `app.tsx` carries these out. */
export type Effect =
  | {readonly do: 'ui'; readonly event: UiEvent}
  | {readonly do: 'act'; readonly act: Act}
  | {readonly do: 'quit'}
  | {readonly do: 'suspend'};

/** Who gets the keys: the screen, or what lies over it. */
export type Context = 'anywhere' | 'screen' | 'reader' | 'palette' | 'filter' | 'record';

export type Binding = {
  readonly context: Context;
  /** Names as `keyNames` gives them; the first is the one that is shown. */
  readonly keys: readonly string[];
  /** One or two words for the footer. */
  readonly name: string | ((ui: Ui) => string);
  /** One sentence for help. */
  readonly description: string;
  /** Place in the footer, lowest first; absent: only in help. */
  readonly footer?: number;
  /** Why it does not work now, as a sentence that is shown when it is pressed; undefined when it works. */
  readonly blocked?: (ui: Ui) => string | undefined;
  readonly run: (ui: Ui) => readonly Effect[];
};

/** Every key there is. What keys do, the footer and the help are made from this list, so they cannot disagree. */
export const BINDINGS: readonly Binding[] = [
  {
    context: 'screen',
    keys: ['Enter'],
    name: 'open',
    description: 'Opens what the cursor is on.',
    footer: 1,
    blocked: ui => (cursorItem(ui)?.opens ? undefined : 'There is nothing to open on this line.'),
    run: ui => open(cursorItem(ui)?.opens),
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
    keys: ['Tab', 'Right', 'l'],
    name: 'next part',
    description: 'Shows the next part of this screen.',
    footer: 3,
    blocked: oneFacet,
    run: () => draw({type: 'step', step: {type: 'facet', by: 1}}),
  },
  {
    context: 'screen',
    keys: ['Shift-Tab', 'Left', 'h'],
    name: 'part before',
    description: 'Shows the part before.',
    blocked: oneFacet,
    run: () => draw({type: 'step', step: {type: 'facet', by: -1}}),
  },
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
    blocked: ui => (cursorItem(ui)?.other ? undefined : 'No other end is known for this line.'),
    run: ui => open(cursorItem(ui)?.other),
  },
  {
    context: 'screen',
    keys: ['e'],
    name: 'evidence',
    description: 'Shows where this line comes from: node, command, time and the raw lines.',
    footer: 7,
    blocked: ui =>
      (cursorItem(ui)?.evidence ?? []).length > 0 ? undefined : 'This line carries no evidence.',
    run: ui => overlay({kind: 'evidence', top: 0, list: cursorItem(ui)?.evidence ?? []}),
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
  {
    context: 'screen',
    keys: ['.'],
    name: 'step',
    description: 'Goes one sweep forward in a recording.',
    footer: 10,
    blocked: notPlaying,
    run: () => act({do: 'step', by: 1}),
  },
  {
    context: 'screen',
    keys: [','],
    name: 'step back',
    description: 'Goes one sweep back in a recording.',
    blocked: notPlaying,
    run: () => act({do: 'step', by: -1}),
  },
  {
    context: 'screen',
    keys: ['>'],
    name: 'faster',
    description: 'Plays a recording faster.',
    blocked: notPlaying,
    run: ui => act({do: 'speed', speed: nextSpeed(ui.status?.player?.speed ?? 1, 1)}),
  },
  {
    context: 'screen',
    keys: ['<'],
    name: 'slower',
    description: 'Plays a recording more slowly.',
    blocked: notPlaying,
    run: ui => act({do: 'speed', speed: nextSpeed(ui.status?.player?.speed ?? 1, -1)}),
  },
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
  scrolling(['j', 'Down'], 'Scrolls down.', {by: 1}, 1),
  scrolling(['k', 'Up'], 'Scrolls up.', {by: -1}),
  scrolling(['PageDown', 'Ctrl-F', 'Space'], 'Scrolls one page down.', {pages: 1}),
  scrolling(['PageUp', 'Ctrl-B'], 'Scrolls one page up.', {pages: -1}),
  scrolling(['g', 'Home'], 'Goes to the beginning.', {to: 'first'}),
  scrolling(['G', 'End'], 'Goes to the end.', {to: 'last'}),
  {
    context: 'reader',
    keys: ['Esc', 'q', 'Enter', 'Backspace'],
    name: 'close',
    description: 'Closes this and shows the screen again.',
    footer: 3,
    run: () => overlay(undefined),
  },
  {
    context: 'palette',
    keys: ['Enter'],
    name: 'go',
    description: 'Opens the chosen question, or what was typed when nothing fits it.',
    footer: 1,
    blocked: ui => (chosen(ui) ? undefined : 'No question has this name. Esc, then ? lists the keys.'),
    run: ui => open(chosen(ui)),
  },
  {
    context: 'palette',
    keys: ['Tab'],
    name: 'complete',
    description: 'Takes the chosen line over into what is typed.',
    footer: 2,
    run: ui =>
      palette(ui, ({text, completions, selected}) => ({
        text: `${completions[selected] ?? text.trimEnd()} `,
        selected: 0,
      })),
  },
  {
    context: 'palette',
    keys: ['Down', 'Ctrl-N'],
    name: 'next',
    description: 'Chooses the next line.',
    footer: 3,
    run: ui =>
      palette(ui, ({completions, selected}) => ({
        selected: Math.max(0, Math.min(selected + 1, completions.length - 1)),
      })),
  },
  {
    context: 'palette',
    keys: ['Up', 'Ctrl-P'],
    name: 'previous',
    description: 'Chooses the line before.',
    run: ui => palette(ui, ({selected}) => ({selected: Math.max(0, selected - 1)})),
  },
  {
    context: 'palette',
    keys: ['Esc'],
    name: 'cancel',
    description: 'Stays on this screen.',
    footer: 4,
    run: () => overlay(undefined),
  },
  {
    context: 'filter',
    keys: ['Enter', 'Tab'],
    name: 'keep',
    description: 'Keeps the filter and returns to the rows.',
    footer: 1,
    run: () => overlay(undefined),
  },
  {
    context: 'filter',
    keys: ['Esc'],
    name: 'cancel',
    description: 'Brings back the filter from before.',
    footer: 2,
    run: ui => [
      ...draw({type: 'filter', text: ui.overlay?.kind === 'filter' ? ui.overlay.before : ''}),
      ...overlay(undefined),
    ],
  },
  {
    context: 'filter',
    keys: ['Down'],
    name: 'next row',
    description: 'Moves the cursor down while typing.',
    run: () => draw({type: 'move', move: {by: 1}}),
  },
  {
    context: 'filter',
    keys: ['Up'],
    name: 'row before',
    description: 'Moves the cursor up while typing.',
    run: () => draw({type: 'move', move: {by: -1}}),
  },
  {
    context: 'record',
    keys: ['Enter'],
    name: 'record',
    description: 'Starts recording into this file.',
    footer: 1,
    blocked: ui => (fileOf(ui) === '' ? 'Type the name of a file first.' : undefined),
    run: ui => [...act({do: 'record', file: fileOf(ui)}), ...overlay(undefined)],
  },
  {
    context: 'record',
    keys: ['Esc'],
    name: 'cancel',
    description: 'Records nothing.',
    footer: 2,
    run: () => overlay(undefined),
  },
  {
    context: 'anywhere',
    keys: ['Ctrl-C'],
    name: 'quit',
    description: 'Leaves hoptop, whatever is on screen.',
    run: () => [{do: 'quit'}],
  },
  {
    context: 'anywhere',
    keys: ['Ctrl-Z'],
    name: 'suspend',
    description: 'Returns to the shell for a while; fg brings hoptop back.',
    run: () => [{do: 'suspend'}],
  },
];

function moving(keys: readonly string[], description: string, move: Move): Binding {
  return {context: 'screen', keys, name: 'move', description, run: () => draw({type: 'move', move})};
}

function scrolling(keys: readonly string[], description: string, move: Move, footer?: number): Binding {
  return {
    context: 'reader',
    keys,
    name: 'scroll',
    description,
    ...(footer === undefined ? {} : {footer}),
    run: ui => overlay(scrolled(ui, move, BINDINGS)),
  };
}

function draw(event: UiEvent): readonly Effect[] {
  return [{do: 'ui', event}];
}

function act(one: Act): readonly Effect[] {
  return [{do: 'act', act: one}];
}

function overlay(next: Overlay | undefined): readonly Effect[] {
  return draw({type: 'overlay', overlay: next});
}

function open(question: Item['opens']): readonly Effect[] {
  return question ? draw({type: 'step', step: {type: 'open', question}}) : [];
}

/** A new order starts at its first row: one sorts to see what comes first. */
function sortBy(ui: Ui, sort: Sort | undefined): readonly Effect[] {
  const place: Place = {index: 0, top: 0, filter: filterOf(ui), ...(sort ? {sort} : {})};
  return draw({type: 'step', step: {type: 'place', place}});
}

function cursorItem(ui: Ui): Item | undefined {
  const items = itemsShown(ui);
  return items?.selectable && items.count > 0 ? items.item(placeOf(shown(ui.navigation)).index) : undefined;
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

function fileOf(ui: Ui): string {
  return ui.overlay?.kind === 'record' ? ui.overlay.text.trim() : '';
}

function oneFacet(ui: Ui): string | undefined {
  return (shown(ui.navigation).view?.facets.length ?? 0) > 1 ? undefined : 'This screen has one part only.';
}

function unsortable(ui: Ui): string | undefined {
  return tableOf(ui)?.columns.some(column => column.sortable) ? undefined : 'Nothing here can be sorted.';
}

function notPlaying(ui: Ui): string | undefined {
  return ui.status?.player ? undefined : 'Only a recording can be stepped through; this is live.';
}

type Palette = Extract<Overlay, {kind: 'palette'}>;

function palette(ui: Ui, change: (palette: Palette) => Partial<Palette>): readonly Effect[] {
  return ui.overlay?.kind === 'palette' ? overlay({...ui.overlay, ...change(ui.overlay)}) : [];
}

/**
 * The chosen completion. What was typed counts when it is itself a completion, when none fits it, and when the
 * completions for it have not come yet: typing fast must not open something else.
 */
function chosen(ui: Ui): Item['opens'] {
  if (ui.overlay?.kind !== 'palette') return undefined;
  const {text, completions, completed, selected} = ui.overlay;
  const typed = text.trim();
  const late = completed !== text || (selected === 0 && completions.includes(typed));
  return questionOf(late ? typed : (completions[selected] ?? typed));
}
