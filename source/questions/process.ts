import * as v from 'valibot';
import type {Proc} from '../model/graph.ts';
import type {Answer} from './answer.ts';
import {type Definition, isMissing} from './definition.ts';
import {gapsFor} from './gaps.ts';
import {regionOf} from './interfaces.ts';
import {PeerRow, peersOf} from './peer-rows.ts';
import {ProcessPort, portsOf} from './process-ports.ts';
import {ProcessRow, processRow} from './process-rows.ts';
import {base, list} from './schema.ts';
import {resolve} from './scope.ts';
import {type SocketList, SocketRow} from './socket-rows.ts';
import {socketsOf} from './socket-select.ts';

const head = {
  ...base,
  process: ProcessRow,
  ancestors: v.pipe(list(ProcessRow), v.description('Its parent first, then that one’s, up to pid 1.')),
  children: list(ProcessRow),
  ports: v.pipe(list(ProcessPort), v.description('Ports that it listens on, and what they are for.')),
  peers: list(PeerRow),
};
const Head = v.object(head);
const Process = v.object({...head, sockets: list(SocketRow)});
export type ProcessAnswer = Answer & v.InferOutput<typeof Head> & {readonly sockets: SocketList};

export const process: Definition<ProcessAnswer> = {
  name: 'process',
  usage: 'process NODE:PID',
  summary: 'One process: its parents and children, namespace, sockets, and who is at the other end.',
  words: [1, 1],
  schema: Process,
  problem: ([word]) =>
    /^.+:\d+$/.test(word ?? '') ? undefined : `"${word}" is not NODE:PID, for example node-1:2029.`,
  ask(graph, [word]) {
    const scope = resolve(graph, word, ['process']);
    if (isMissing(scope)) return scope;
    if (scope.kind !== 'process') return {missing: 'Which process?', suggestions: []};
    const {proc} = scope;
    const sockets = socketsOf(graph, scope);
    return {
      question: {name: 'process', words: [`${proc.node.name}:${proc.process.pid}`]},
      at: graph.at,
      gaps: gapsFor(graph, ['processes', 'owners', 'sockets', 'memberships', 'namespaces'], {
        ...regionOf(scope),
        talks: true,
      }),
      process: processRow(proc),
      ancestors: ancestors(proc).map(processRow),
      children: proc.children.map(processRow),
      ports: portsOf(proc, sockets),
      peers: peersOf(graph, sockets, peer => peer.words === `${proc.node.name}:${proc.process.pid}`),
      sockets,
    };
  },
};

function ancestors(proc: Proc): Proc[] {
  const found: Proc[] = [];
  let parent = proc.node.byPid.get(proc.process.ppid);
  // Pids are reused while ps reads: a circle ends the walk.
  while (parent && parent !== proc && !found.includes(parent)) {
    found.push(parent);
    parent = proc.node.byPid.get(parent.process.ppid);
  }
  return found;
}
