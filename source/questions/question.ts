/**
 * A screen is a question, and so is a command: `hoptop pod shop/web-1` and the screen of that pod are the same value.
 * `words` are the arguments after the name, exactly as they would be typed.
 */
export type Question = {
  readonly name: QuestionName;
  readonly words: readonly string[];
};

/** In the order they are listed in help. */
export const QUESTION_NAMES = [
  'overview',
  'node',
  'interfaces',
  'sockets',
  'processes',
  'routes',
  'pods',
  'pod',
  'link',
  'process',
  'peers',
  'connection',
  'services',
  'path',
  'mesh',
  'access',
] as const;

export type QuestionName = (typeof QUESTION_NAMES)[number];

/** Whether there is a question of that name. */
export function isQuestion(name: string): name is QuestionName {
  return (QUESTION_NAMES as readonly string[]).includes(name);
}

/** What is shown when nothing is asked. */
export const FIRST_SCREEN: Question = {name: 'overview', words: []};
