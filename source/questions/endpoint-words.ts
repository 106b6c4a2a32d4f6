import {endpointText} from '../model/words.ts';
import type {Question} from './question.ts';
import type {SocketRow} from './socket-rows.ts';

/** Four words that name one connection as one side sees it. */
export type FourTuple = {
  readonly protocol: 'tcp' | 'udp';
  readonly local: string;
  readonly localPort: number;
  readonly remote: string;
  readonly remotePort: number;
};

/** Where a socket was seen, as words: node, pod, or `NODE/INODE`. */
export function placeWords(socket: Pick<SocketRow, 'node' | 'netns' | 'place' | 'pods'>): string {
  if (socket.place === 'host') return socket.node;
  return socket.pods.length === 1 ? socket.pods[0]! : `${socket.node}/${socket.netns}`;
}

/** `10.0.0.1:80-10.0.0.2:4000`, with `udp:` before it for UDP and `@WHERE` behind it where that is said. */
export function connectionWords(tuple: FourTuple, where?: string): string {
  const protocol = tuple.protocol === 'udp' ? 'udp:' : '';
  const ends = `${endpointText(tuple.local, tuple.localPort)}-${endpointText(tuple.remote, tuple.remotePort)}`;
  return `${protocol}${ends}${where === undefined ? '' : `@${where}`}`;
}

const SHAPE =
  /^(?:(tcp|udp):)?(?:\[([^\]]+)\]|([^[\]-]+)):(\d{1,5})-(?:\[([^\]]+)\]|([^[\]-]+?)):(\d{1,5})(?:@(.+))?$/;

/** The other way round; `protocol` is absent when not said. Undefined when the words are no connection. */
export function parseConnection(
  words: string,
):
  | (Omit<FourTuple, 'protocol'> & {protocol: 'tcp' | 'udp' | undefined; where: string | undefined})
  | undefined {
  const found = SHAPE.exec(words);
  if (!found) return undefined;
  const [, protocol, six, four, port, otherSix, otherFour, otherPort, where] = found;
  return {
    protocol: protocol as 'tcp' | 'udp' | undefined,
    local: six ?? four!,
    localPort: Number(port),
    remote: otherSix ?? otherFour!,
    remotePort: Number(otherPort),
    where,
  };
}

/** The question that a socket's row opens: its connection, or for one that is not connected its process or pod. */
export function socketOpens(socket: SocketRow): Question | undefined {
  if (socket.remotePort !== 0)
    return {name: 'connection', words: [connectionWords(socket, placeWords(socket))]};
  if (socket.pid !== undefined) return {name: 'process', words: [`${socket.node}:${socket.pid}`]};
  return socket.pod === undefined ? undefined : {name: 'pod', words: [socket.pod]};
}

/** The same connection as the other end sees it; undefined when its socket is not known. */
export function otherOpens(socket: SocketRow): Question | undefined {
  const {node, netns, local, localPort, remote, remotePort, pods} = socket.other;
  if (node === undefined || netns === undefined || local === undefined || remote === undefined)
    return undefined;
  if (localPort === undefined || remotePort === undefined || remotePort === 0) return undefined;
  const tuple = {protocol: socket.protocol, local, localPort, remote, remotePort};
  const where = pods.length === 1 ? pods[0]! : `${node}/${netns}`;
  return {name: 'connection', words: [connectionWords(tuple, where)]};
}
