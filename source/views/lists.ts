import type {InterfacesAnswer} from '../questions/interfaces.ts';
import type {PeersAnswer} from '../questions/peers.ts';
import type {PodsAnswer} from '../questions/pods.ts';
import type {ProcessesAnswer} from '../questions/processes.ts';
import type {Question} from '../questions/question.ts';
import type {RoutesAnswer} from '../questions/routes.ts';
import {tallyOf} from '../questions/socket-select.ts';
import type {SocketsAnswer} from '../questions/sockets.ts';
import {interfaceTable} from './interface-table.ts';
import {gradeTone} from './marks.ts';
import {peerTable} from './peer-table.ts';
import {podTable} from './pod-table.ts';
import {processTable} from './process-table.ts';
import {routeTable} from './route-table.ts';
import {socketTable} from './socket-table.ts';
import {count} from './units.ts';
import type {Cell, Table, View} from './view.ts';

type Body = Omit<View, 'gaps'>;

/** Screens that are one table. */
export function podsView({question, pods}: PodsAnswer): Body {
  const stopped = pods.filter(pod => pod.state === 'stopped').length;
  const summary = `${count(pods.length, 'pod')}${stopped > 0 ? `, ${stopped} not running` : ''}`;
  return one(question, [{text: summary}], podTable(pods, `No pod was found${on(question)}.`));
}

export function interfacesView({question, interfaces}: InterfacesAnswer): Body {
  const joined = interfaces.filter(link => link.pair?.relation === 'peer');
  const proven = joined.filter(link => link.pair?.grade === 'proven').length;
  return one(
    question,
    [
      {
        text: `${count(interfaces.length, 'interface')} · ${joined.length} with another end, ${proven} proven`,
      },
    ],
    interfaceTable(interfaces, `No interface was read${on(question)}.`),
  );
}

export function socketsView({question, sockets}: SocketsAnswer): Body {
  const {established, listening, other} = tallyOf(sockets);
  return one(
    question,
    [
      {
        text: `${count(sockets.count, 'socket')} · ${established} established, ${listening} listening, ${other} other`,
      },
    ],
    socketTable(sockets, `No socket was seen${on(question)}.`),
  );
}

export function processesView({question, processes}: ProcessesAnswer): Body {
  const podded = processes.filter(proc => proc.pod !== undefined).length;
  return one(
    question,
    [{text: `${count(processes.length, 'process', 'processes')} · ${podded} in pods`}],
    processTable(processes, `No process was read${on(question)}.`),
  );
}

export function routesView({question, routes}: RoutesAnswer): Body {
  const tables = new Set(routes.map(route => route.table)).size;
  return one(
    question,
    [{text: `${count(routes.length, 'route')} in ${count(tables, 'table')}`}],
    routeTable(routes, `No route was read${on(question)}.`),
  );
}

export function peersView({question, of, peers}: PeersAnswer): Body {
  const connections = peers.reduce((sum, peer) => sum + peer.connections, 0);
  const verb = of.kind === 'service' ? 'is called by' : 'talks to';
  const made = of.pods === undefined ? '' : ` (${count(of.pods.length, 'pod')})`;
  return one(
    question,
    [
      {
        text: `${of.words}${made} ${verb} ${count(peers.length, 'peer')} over ${count(connections, 'connection')}`,
      },
      ...(of.grade === 'inferred' ? [{text: ` · inferred: ${of.why}`, tone: gradeTone(of.grade)}] : []),
    ],
    peerTable(peers, `${of.words} ${verb} nobody outside itself, as far as was read.`),
  );
}

function one(question: Question, summary: readonly Cell[], body: Table): Body {
  const {name} = question;
  return {
    title: [name, ...question.words].join(' '),
    summary,
    facets: [{key: name, title: name[0]!.toUpperCase() + name.slice(1), body}],
  };
}

function on(question: Question): string {
  return question.words.length > 0 ? ` in ${question.words[0]}` : '';
}
