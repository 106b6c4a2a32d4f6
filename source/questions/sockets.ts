import * as v from 'valibot';
import type {Answer} from './answer.ts';
import {type Definition, isMissing} from './definition.ts';
import {gapsFor} from './gaps.ts';
import {regionOf} from './interfaces.ts';
import {base, list} from './schema.ts';
import {resolve, scopeWords} from './scope.ts';
import {type SocketList, SocketRow} from './socket-rows.ts';
import {socketsOf} from './socket-select.ts';

const Sockets = v.object({...base, sockets: list(SocketRow)});
export type SocketsAnswer = Answer & {readonly sockets: SocketList};

export const sockets: Definition<SocketsAnswer> = {
  name: 'sockets',
  usage: 'sockets [NODE|NS/POD|NODE:PID]',
  summary: 'TCP and UDP sockets with all that netstat shows, their process and pod, and the other end.',
  words: [0, 1],
  schema: Sockets,
  ask(graph, [word]) {
    const scope = resolve(graph, word, ['node', 'pod', 'netns', 'process']);
    if (isMissing(scope)) return scope;
    return {
      question: {name: 'sockets', words: scopeWords(scope)},
      at: graph.at,
      gaps: gapsFor(graph, ['sockets', 'owners', 'namespaces'], {...regionOf(scope), talks: true}),
      sockets: socketsOf(graph, scope),
    };
  },
};
