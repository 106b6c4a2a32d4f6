import type {Act} from '../session.ts';
import type {Item} from './items.ts';
import type {Overlay, Ui, UiEvent} from './state.ts';

/** What a key leads to. Only `app.tsx` carries these out. */
export type Effect =
  | {readonly do: 'ui'; readonly event: UiEvent}
  | {readonly do: 'act'; readonly act: Act}
  /** Shows the whole command that prints what is on screen. */
  | {readonly do: 'show-command'}
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
  /** Whether it is worth its place there now; absent: whenever it works. */
  readonly worth?: (ui: Ui) => boolean;
  /** Why it does not work now, as a sentence that is shown when it is pressed; undefined when it works. */
  readonly blocked?: (ui: Ui) => string | undefined;
  /**
   * `all` are the bindings that there are: help is made of them, and scrolling has to know its length. `key` is which
   * of the keys was pressed.
   */
  readonly run: (ui: Ui, all: readonly Binding[], key: string) => readonly Effect[];
};

export function draw(event: UiEvent): readonly Effect[] {
  return [{do: 'ui', event}];
}

export function act(one: Act): readonly Effect[] {
  return [{do: 'act', act: one}];
}

export function overlay(next: Overlay | undefined): readonly Effect[] {
  return draw({type: 'overlay', overlay: next});
}

export function open(question: Item['opens']): readonly Effect[] {
  return question ? draw({type: 'step', step: {type: 'open', question}}) : [];
}
