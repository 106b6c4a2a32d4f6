import type {Binding, Context, Effect} from './binding.ts';
import {typedBy} from './input.ts';
import {BINDINGS} from './keys.ts';
import type {Ui, UiEvent} from './state.ts';
import {SMALLEST} from './state.ts';

/** Who gets the next key. A prompt comes first: something waits for its answer. */
export function contextOf(ui: Ui): Context | 'prompt' | 'too small' {
  if (ui.columns < SMALLEST.columns || ui.rows < SMALLEST.rows) return 'too small';
  if (ui.prompt) return 'prompt';
  switch (ui.overlay?.kind) {
    case undefined:
      return 'screen';
    case 'palette':
    case 'filter':
    case 'record':
      return ui.overlay.kind;
    default:
      return 'reader';
  }
}

/** What the key with this name leads to now; nothing for a key that is not bound. */
export function dispatch(ui: Ui, key: string): readonly Effect[] {
  const context = contextOf(ui);
  const always = BINDINGS.find(binding => binding.context === 'anywhere' && binding.keys.includes(key));
  if (always) return always.run(ui, BINDINGS, key);
  if (context === 'too small') return key === 'q' ? [{do: 'quit'}] : [];
  if (context === 'prompt') return answerPrompt(ui, key);
  const binding = BINDINGS.find(candidate => candidate.context === context && candidate.keys.includes(key));
  if (!binding) return typed(ui, key);
  const why = binding.blocked?.(ui);
  // A notice lasts until the next key, so that it is read and then out of the way.
  return [say(why), ...(why === undefined ? binding.run(ui, BINDINGS, key) : [])];
}

/** The keys that work now, in the footer's order. */
export function footerBindings(ui: Ui): readonly Binding[] {
  const context = contextOf(ui);
  return BINDINGS.filter(binding => binding.context === context && binding.footer !== undefined)
    .filter(binding => binding.blocked?.(ui) === undefined && (binding.worth?.(ui) ?? true))
    .sort((a, b) => a.footer! - b.footer!);
}

function answerPrompt(ui: Ui, key: string): readonly Effect[] {
  const prompt = ui.prompt!;
  const choice = prompt.choices.find(({key: wanted}) => wanted.toLowerCase() === key.toLowerCase());
  const {id, input} = prompt;
  const text = ui.answer ?? '';
  if (choice) {
    const answer = {do: 'answer-prompt', id, value: choice.value} as const;
    return [{do: 'act', act: input ? {...answer, text} : answer}];
  }
  const next = input && edited(text, key);
  return next === undefined ? [] : [change({type: 'answer', text: next})];
}

/** Typing and deleting in the line that is being edited; Ctrl-U takes all of it, Ctrl-W its last word. */
function typed(ui: Ui, key: string): readonly Effect[] {
  const {overlay} = ui;
  if (overlay?.kind !== 'palette' && overlay?.kind !== 'filter' && overlay?.kind !== 'record') return [];
  const text = edited(overlay.text, key);
  if (text === undefined) return [];
  if (overlay.kind === 'palette') {
    const closes = key === 'Backspace' && overlay.text === '';
    return [
      say(undefined),
      change({type: 'overlay', overlay: closes ? undefined : {...overlay, text, selected: 0}}),
    ];
  }
  const next = change({type: 'overlay', overlay: {...overlay, text}});
  return overlay.kind === 'filter' ? [next, change({type: 'filter', text})] : [next];
}

function edited(text: string, key: string): string | undefined {
  switch (key) {
    case 'Backspace':
    case 'Delete':
      return [...new Intl.Segmenter().segment(text)]
        .slice(0, -1)
        .map(({segment}) => segment)
        .join('');
    case 'Ctrl-U':
      return '';
    case 'Ctrl-W':
      return text.replace(/\S+\s*$/, '');
    default: {
      const more = typedBy(key);
      return more === undefined ? undefined : text + more;
    }
  }
}

function change(event: UiEvent): Effect {
  return {do: 'ui', event};
}

function say(text: string | undefined): Effect {
  return change({type: 'notice', text});
}
