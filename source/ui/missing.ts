import type {Question} from '../questions/question.ts';
import type {View} from '../views/view.ts';
import {commandOf, shellWords} from './command.ts';

/** What does not exist is shown as a screen too: the sentence that says so, and the near names, ready to be opened. */
export function missingView(question: Question, sentence: string, suggestions: readonly string[]): View {
  const near = suggestions.map((name): Question => ({name: question.name, words: shellWords(name)}));
  return {
    title: commandOf(question),
    summary: [{text: sentence, tone: 'warn'}],
    gaps: [],
    facets: [
      {
        key: 'near',
        title: near.length > 0 ? 'Did you mean' : 'Not found',
        body: {
          type: 'table',
          columns: [{key: 'name', title: 'NAME', align: 'left', priority: 0, min: 20, grow: true}],
          count: near.length,
          row: i => ({id: commandOf(near[i]!), cells: [{text: commandOf(near[i]!)}], opens: near[i]!}),
          sortKey: i => commandOf(near[i]!),
          empty: `${sentence} Esc goes back; : goes to another question by name.`,
        },
      },
    ],
  };
}
