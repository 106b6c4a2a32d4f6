import {QUESTION_NAMES, type Question, type QuestionName} from '../questions/question.ts';

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
