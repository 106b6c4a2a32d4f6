import {act, type Binding, draw, type Effect, open, overlay} from './binding.ts';
import {questionOf} from './command.ts';
import type {Item} from './items.ts';
import type {Move} from './navigation.ts';
import {scrolled} from './reader.ts';
import type {Overlay, Ui} from './state.ts';

/** The keys of what lies over a screen: something to read, or a line that is being typed. */
export const OVERLAY_KEYS: readonly Binding[] = [
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
];

function scrolling(keys: readonly string[], description: string, move: Move, footer?: number): Binding {
  return {
    context: 'reader',
    keys,
    name: 'scroll',
    description,
    ...(footer === undefined ? {} : {footer}),
    run: (ui, all) => overlay(scrolled(ui, move, all)),
  };
}

function fileOf(ui: Ui): string {
  return ui.overlay?.kind === 'record' ? ui.overlay.text.trim() : '';
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
