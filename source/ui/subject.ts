import {parseConnection} from '../questions/endpoint-words.ts';
import type {Question} from '../questions/question.ts';
import type {Item} from './items.ts';
import {shown} from './navigation.ts';
import {type Ui, underCursor} from './state.ts';

/** The ends of a path that something on screen has, as the words of `hoptop path`. */
export type PathEnds = {
  /** What `m` marks: the pod, process, node or address itself, or the nearer end of a connection. */
  readonly here?: string;
  /** The farther end, and how it is called, where there are two. */
  readonly there?: string;
  readonly options?: readonly string[];
};

/** What the cursor is on; where a line is nothing by itself, what the screen is about. */
export function pathEnds(ui: Ui): PathEnds {
  const item: Item = underCursor(ui) ?? {};
  const {subject, toward, onPort = []} = item;
  if (subject !== undefined) {
    return {here: subject, ...(toward === undefined ? {} : {there: toward, options: onPort})};
  }
  const opened = item.opens && endsOf(item.opens);
  return opened?.here === undefined ? endsOf(shown(ui.navigation).question) : opened;
}

/** The question that `p` asks, or why there is none, as a sentence. */
export function pathAsked(ui: Ui): Question | string {
  const {here, there, options = []} = pathEnds(ui);
  if (ui.mark === undefined) {
    if (here !== undefined && there !== undefined) return {name: 'path', words: [here, there, ...options]};
    return 'Nothing is marked: m marks where a path begins, p on something else shows the path to it.';
  }
  if (here === undefined) return 'What the cursor is on is no end of a path.';
  if (here === ui.mark) return `This is ${ui.mark} itself: the cursor has to be on where the path ends.`;
  return {name: 'path', words: [ui.mark, here]};
}

function endsOf({name, words}: Question): PathEnds {
  const [first, second] = words;
  if (first === undefined) return {};
  switch (name) {
    case 'connection':
      return connectionEnds(first);
    case 'link':
      return {here: first.replace(/[/:][^/:]*$/, '')};
    case 'path':
      return {here: first, ...(second === undefined ? {} : {there: second})};
    case 'node':
    case 'pod':
    case 'process':
    case 'peers':
    case 'sockets':
    case 'interfaces':
    case 'routes':
    case 'processes':
    case 'pods':
      return {here: first};
    default:
      return {};
  }
}

/** From where its socket was seen to the address that it calls, on the port that it calls. */
function connectionEnds(words: string): PathEnds {
  const parsed = parseConnection(words);
  if (!parsed) return {};
  const {where, local, remote, remotePort, protocol} = parsed;
  return {
    here: where ?? local,
    there: remote,
    options: ['--port', `${remotePort}`, ...(protocol === 'udp' ? ['--proto', 'udp'] : [])],
  };
}
