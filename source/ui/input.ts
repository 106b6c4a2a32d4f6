import type {Key as InkKey} from 'ink';

/**
 * The names of the keys in one piece of input, in order: printable characters are their own names, the others are
 * `Enter`, `Esc`, `Tab`, `Shift-Tab`, `Space`, `Backspace`, `Up`, `PageDown`, `Ctrl-C` and so on. Held keys and fast
 * typing arrive as one piece (`jjj`), so there may be many.
 */
export function keyNames(input: string, key: InkKey): string[] {
  if (key.eventType === 'release') return [];
  const special = SPECIAL.find(([flag]) => key[flag] === true)?.[1];
  if (special === 'Tab' && key.shift) return ['Shift-Tab'];
  // Two quick ones over a slow link arrive in one piece, which Ink takes for Alt with Esc.
  if (special === 'Esc' && key.meta) return ['Esc', 'Esc'];
  if (special) return [special];
  if (key.ctrl && input !== '') return [`Ctrl-${input.toUpperCase()}`];
  // Alt with a letter is not bound: it is not to be taken for the letter.
  if (key.meta) return [];
  return [...new Intl.Segmenter().segment(input)].flatMap(({segment}) => nameOf(segment));
}

const SPECIAL = [
  ['upArrow', 'Up'],
  ['downArrow', 'Down'],
  ['leftArrow', 'Left'],
  ['rightArrow', 'Right'],
  ['pageUp', 'PageUp'],
  ['pageDown', 'PageDown'],
  ['home', 'Home'],
  ['end', 'End'],
  ['return', 'Enter'],
  ['escape', 'Esc'],
  ['tab', 'Tab'],
  ['backspace', 'Backspace'],
  ['delete', 'Delete'],
] as const satisfies readonly (readonly [keyof InkKey, string])[];

function nameOf(character: string): string[] {
  if (character === ' ') return ['Space'];
  if (character === '\r' || character === '\n' || character === '\r\n') return ['Enter'];
  if (character === '\t') return ['Tab'];
  if (character === '\u001b') return ['Esc'];
  if (character === '\u007f' || character === '\b') return ['Backspace'];
  const code = character.charCodeAt(0);
  if (code < 32) return [`Ctrl-${String.fromCharCode(code + 64)}`];
  return [character];
}

/** The text that a key types, undefined when it types none. */
export function typedBy(name: string): string | undefined {
  if (name === 'Space') return ' ';
  return [...new Intl.Segmenter().segment(name)].length === 1 ? name : undefined;
}
