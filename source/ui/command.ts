import {QUESTION_NAMES, type Question, type QuestionName} from '../questions/question.ts';
import {shown} from './navigation.ts';
import type {Ui} from './state.ts';
import {width} from './text.ts';

/** Makes a whole command out of a question's words and, in a recording, the moment that the answer is of (ISO 8601). */
export type MakeCommand = (words: string, at?: string) => string;

/** The whole command that prints what is on screen: of this very moment where a recording stands still. */
export function commandShown(ui: Ui, command: MakeCommand): string {
  const words = commandOf(shown(ui.navigation).question);
  const player = ui.status?.player;
  return player && !player.playing ? command(words, player.at) : command(words);
}

/** Shell's words with their quotes, so that a line is never broken inside one unless it must be. */
const SHELL_WORD = /(?:'[^']*'|"[^"]*"|\\.|[^\s'"\\])+/g;

/**
 * A command in lines of at most `cells` that a shell takes for the one command when they are pasted: a line that goes
 * on ends in a backslash, which inside single quotes would be an ordinary character, so those are closed before it.
 */
export function shellLines(command: string, cells: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of command.match(SHELL_WORD) ?? []) {
    if (line !== '' && width(line) + 1 + width(word) + 2 > cells) {
      lines.push(`${line} \\`);
      line = '';
    }
    line = line === '' ? '' : `${line} `;
    let quoted = false;
    for (const {segment} of new Intl.Segmenter().segment(word)) {
      // Two cells stay for a closing quote and the backslash.
      if (width(line) + width(segment) + 2 > cells && !line.endsWith('\\')) {
        lines.push(quoted ? `${line}'\\` : `${line}\\`);
        line = quoted ? "'" : '';
      }
      if (segment === "'" && !(line.endsWith('\\') && !quoted)) quoted = !quoted;
      line += segment;
    }
  }
  return [...lines, line];
}

/** The command that prints a question's answer, as it would be typed: `pod shop/web-1`. */
export function commandOf(question: Question): string {
  return [question.name, ...question.words.map(quote)].join(' ');
}

/** The other way round; undefined when the first word is no question. Quotes group as in a shell. */
export function questionOf(text: string): Question | undefined {
  const words = shellWords(text);
  const [name, ...rest] = words[0] === 'hoptop' ? words.slice(1) : words;
  return isName(name) ? {name, words: rest} : undefined;
}

/** Splits at spaces; quotes of either kind keep words together. */
export function shellWords(text: string): string[] {
  return [...text.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    match => match[1] ?? match[2] ?? match[3] ?? '',
  );
}

function isName(text: string | undefined): text is QuestionName {
  return (QUESTION_NAMES as readonly (string | undefined)[]).includes(text);
}

function quote(word: string): string {
  return /^[\w@%+=:,./[\]-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
