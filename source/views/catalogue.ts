import type {AccessAnswer} from '../questions/access.ts';
import type {Answer} from '../questions/answer.ts';
import type {ConnectionAnswer} from '../questions/connection.ts';
import type {InterfacesAnswer} from '../questions/interfaces.ts';
import type {LinkAnswer} from '../questions/link.ts';
import type {MeshAnswer} from '../questions/mesh.ts';
import type {NodeAnswer} from '../questions/node.ts';
import type {OverviewAnswer} from '../questions/overview.ts';
import type {PathAnswer} from '../questions/path.ts';
import type {PeersAnswer} from '../questions/peers.ts';
import type {PodAnswer} from '../questions/pod.ts';
import type {PodsAnswer} from '../questions/pods.ts';
import type {ProcessAnswer} from '../questions/process.ts';
import type {ProcessesAnswer} from '../questions/processes.ts';
import type {RoutesAnswer} from '../questions/routes.ts';
import type {ServicesAnswer} from '../questions/services.ts';
import type {SocketsAnswer} from '../questions/sockets.ts';
import {accessView} from './access.ts';
import {connectionView} from './connection.ts';
import {gapSentences} from './gaps.ts';
import {linkView} from './link.ts';
import {interfacesView, peersView, podsView, processesView, routesView, socketsView} from './lists.ts';
import {meshView} from './mesh.ts';
import {nodeView} from './node.ts';
import {overviewView} from './overview.ts';
import {pathView} from './path.ts';
import {podView} from './pod.ts';
import {processView} from './process.ts';
import {safe} from './safe.ts';
import {servicesView} from './services.ts';
import type {View} from './view.ts';

/** What a screen shows of an answer, and `-o text` prints. Pure; tables are windowed. */
export function toView(answer: Answer): View {
  return safe({...body(answer), gaps: gapSentences(answer.gaps)});
}

/** An answer's question says which one it is: `ask` makes them together. */
function body(answer: Answer): Omit<View, 'gaps'> {
  switch (answer.question.name) {
    case 'overview':
      return overviewView(answer as OverviewAnswer);
    case 'node':
      return nodeView(answer as NodeAnswer);
    case 'interfaces':
      return interfacesView(answer as InterfacesAnswer);
    case 'sockets':
      return socketsView(answer as SocketsAnswer);
    case 'processes':
      return processesView(answer as ProcessesAnswer);
    case 'routes':
      return routesView(answer as RoutesAnswer);
    case 'pods':
      return podsView(answer as PodsAnswer);
    case 'pod':
      return podView(answer as PodAnswer);
    case 'link':
      return linkView(answer as LinkAnswer);
    case 'process':
      return processView(answer as ProcessAnswer);
    case 'peers':
      return peersView(answer as PeersAnswer);
    case 'connection':
      return connectionView(answer as ConnectionAnswer);
    case 'services':
      return servicesView(answer as ServicesAnswer);
    case 'path':
      return pathView(answer as PathAnswer);
    case 'mesh':
      return meshView(answer as MeshAnswer);
    case 'access':
      return accessView(answer as AccessAnswer);
  }
}
