import type {Graph} from '../model/graph.ts';
import {access} from './access.ts';
import type {Answer, Missing} from './answer.ts';
import {connection} from './connection.ts';
import {connectionNames} from './connection-names.ts';
import type {Definition} from './definition.ts';
import {groupNames} from './groups.ts';
import {interfaces} from './interfaces.ts';
import {link} from './link.ts';
import {mesh} from './mesh.ts';
import {meshNames} from './mesh-known.ts';
import {interfaceNames, near, nodeNames, podNames, processNames} from './names.ts';
import {node} from './node.ts';
import {overview} from './overview.ts';
import {path} from './path.ts';
import {pathNames} from './path-ends.ts';
import {peers} from './peers.ts';
import {pod} from './pod.ts';
import {pods} from './pods.ts';
import {process} from './process.ts';
import {processes} from './processes.ts';
import {QUESTION_NAMES, type Question, type QuestionName} from './question.ts';
import {routes} from './routes.ts';
import {serviceRows, serviceWords} from './service-rows.ts';
import {services} from './services.ts';
import {sockets} from './sockets.ts';
import type {Want} from './want.ts';

/** Every question, in the order of help. A new one is one file and one line here. */
export const QUESTIONS: readonly Definition[] = [
  overview,
  node,
  interfaces,
  sockets,
  processes,
  routes,
  pods,
  pod,
  link,
  process,
  peers,
  connection,
  services,
  path,
  mesh,
  access,
];

export function definitionOf(name: QuestionName): Definition {
  return QUESTIONS.find(question => question.name === name)!;
}

/** Answers, or says in a sentence why there is no answer, with names that were perhaps meant. */
export function ask(graph: Graph, question: Question): Answer | Missing {
  const read = questionFrom(question.name, question.words);
  if ('wrong' in read) return {missing: read.wrong, suggestions: []};
  return definitionOf(read.name).ask(graph, read.words);
}

/** What a question needs from the nodes before it is asked; see `Definition.wants`. */
export function wants(graph: Graph, question: Question): readonly Want[] {
  const read = questionFrom(question.name, question.words);
  return 'wrong' in read ? [] : (definitionOf(read.name).wants?.(graph, read.words) ?? []);
}

/** What keeps its screen up to date; see `Definition.refreshes`. */
export function refreshes(graph: Graph, question: Question): readonly Want[] {
  const read = questionFrom(question.name, question.words);
  return 'wrong' in read ? [] : (definitionOf(read.name).refreshes?.(graph, read.words) ?? []);
}

/** A question from a command's name and words; `wrong` says what is the matter with them, and the usage. */
export function questionFrom(name: string, words: readonly string[]): Question | {readonly wrong: string} {
  const definition = QUESTIONS.find(question => question.name === name);
  if (!definition) {
    const [meant] = near(QUESTION_NAMES, name, 1);
    const hint = meant ? `did you mean ${meant}?` : `there are ${QUESTION_NAMES.join(', ')}.`;
    return {wrong: `There is no question "${name}"; ${hint}`};
  }
  const [least, most] = definition.words;
  if (words.length < least)
    return {wrong: `${definition.name} needs to know which. Usage: ${definition.usage}`};
  if (words.length > most) {
    return {
      wrong: `${definition.name} does not take "${words.slice(most).join(' ')}". Usage: ${definition.usage}`,
    };
  }
  if (words.some(word => word.trim() === ''))
    return {wrong: `${definition.name} was given an empty word. Usage: ${definition.usage}`};
  const problem = words.length > 0 ? definition.problem?.(words) : undefined;
  if (problem) return {wrong: `${problem} Usage: ${definition.usage}`};
  return {name: definition.name, words: [...words]};
}

const MOST_SUGGESTIONS = 50;

/** Whole questions that complete what was typed, best first: by the question's name, or by that of what it is about. */
export function suggest(graph: Graph, text: string): string[] {
  const typed = text.trim();
  const [first = '', ...rest] = typed.split(/\s+/);
  const definition = QUESTIONS.find(question => question.name === first);
  const complete = definition ? about(graph, definition.name, rest.join(' ')) : [];
  const lines = definition
    ? [...(definition.words[0] === 0 ? [definition.name] : []), ...complete]
    : [...QUESTION_NAMES.filter(name => definitionOf(name).words[0] === 0), ...everything(graph)];
  const needle = definition ? rest.join(' ') : typed;
  if (needle === '') return lines.slice(0, MOST_SUGGESTIONS);
  const starting = lines.filter(line => line.startsWith(typed) || line.split(' ').at(-1)!.startsWith(needle));
  return [...new Set([...starting, ...near(lines, needle, MOST_SUGGESTIONS)])].slice(0, MOST_SUGGESTIONS);
}

function everything(graph: Graph): string[] {
  return (['pod', 'node', 'link'] as const).flatMap(name => about(graph, name, ''));
}

/** Each name that a question can be asked about, as a whole question; of connections, some that have what is typed. */
function about(graph: Graph, name: QuestionName, typed: string): string[] {
  const names: Partial<Record<QuestionName, () => string[]>> = {
    node: () => nodeNames(graph),
    pods: () => nodeNames(graph),
    interfaces: () => [...nodeNames(graph), ...podNames(graph)],
    sockets: () => [...nodeNames(graph), ...podNames(graph)],
    processes: () => [...nodeNames(graph), ...podNames(graph)],
    routes: () => [...nodeNames(graph), ...podNames(graph)],
    pod: () => podNames(graph),
    link: () => interfaceNames(graph),
    process: () => processNames(graph),
    connection: () => connectionNames(graph, typed, MOST_SUGGESTIONS),
    path: () => pathNames(graph, typed),
    mesh: () => meshNames(graph),
    services: () => [...new Set(serviceRows(graph).map(serviceWords))],
    peers: () => [...nodeNames(graph), ...podNames(graph), ...groupNames(graph), ...processNames(graph)],
  };
  return (names[name]?.() ?? []).map(word => `${name} ${word}`);
}
