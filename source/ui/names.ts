import uFuzzy from '@leeoniya/ufuzzy';
import {QUESTION_NAMES, type QuestionName} from '../questions/question.ts';
import {commandOf} from './command.ts';
import type {Navigation} from './navigation.ts';
import type {Status} from './session.ts';

/** No more rows of one table than this are looked through for names. */
const MOST = 2000;
/** Questions that are asked about a node, and those that are asked about a pod. */
const OF_NODE: readonly QuestionName[] = ['node', 'interfaces', 'sockets', 'processes', 'routes', 'peers'];
const OF_POD: readonly QuestionName[] = ['pod', 'peers'];

/**
 * Every command that can be completed to: the questions themselves, then what the screens visited so far offer to
 * open, and the questions about nodes and pods whose names are known from there.
 */
export function knownCommands(navigation: Navigation, status: Status | undefined): readonly string[] {
  const known = new Set<string>(QUESTION_NAMES);
  for (const node of status?.nodes ?? []) {
    for (const name of OF_NODE) known.add(commandOf({name, words: [node.id]}));
  }
  for (const {view} of [...navigation.stack].reverse()) {
    for (const {body} of view?.facets ?? []) {
      const opens =
        body.type === 'table'
          ? Array.from({length: Math.min(MOST, body.count)}, (_, i) => body.row(i).opens)
          : body.type === 'fields'
            ? body.fields.map(field => field.opens)
            : [];
      for (const question of opens) {
        if (!question) continue;
        known.add(commandOf(question));
        if (question.name !== 'pod') continue;
        for (const name of OF_POD) known.add(commandOf({name, words: question.words}));
      }
    }
  }
  return [...known];
}

const fuzzy = new uFuzzy({intraMode: 1});

/** The commands that fit what is typed, best first; all of them while nothing is typed. */
export function complete(text: string, commands: readonly string[]): readonly string[] {
  const typed = text.trim();
  if (typed === '') return commands;
  const starting = commands.filter(command => command.startsWith(typed)).sort((a, b) => a.length - b.length);
  const haystack = [...commands];
  const [found, info, order] = fuzzy.search(haystack, typed, 1);
  const ranked =
    order && info ? order.map(i => haystack[info.idx[i]!]!) : (found ?? []).map(i => haystack[i]!);
  return [...new Set([...starting, ...ranked])];
}
