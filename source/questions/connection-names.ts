import type {Graph} from '../model/graph.ts';
import {connectionWords, placeWords} from './endpoint-words.ts';
import {socketRow} from './socket-rows.ts';
import {socketWorld} from './sockets-world.ts';

/** More sockets than these are not made words of to complete what is typed. */
const LOOKED_THROUGH = 20_000;

/**
 * Up to `most` connections whose words have what was typed: each once, from the end that what was typed begins with,
 * and with its place where others are called alike.
 */
export function connectionNames(graph: Graph, typed: string, most: number): string[] {
  const world = socketWorld(graph);
  const found = new Map<string, {readonly shown: string; readonly places: string[]}>();
  let left = LOOKED_THROUGH;
  for (const node of graph.nodes) {
    const table = node.snapshot?.sockets?.value;
    for (let row = 0; row < (table?.count ?? 0) && left > 0 && found.size < most; row += 1) {
      if (table!.remotePort[row] === 0) continue;
      left -= 1;
      const socket = socketRow(world, node.index, row);
      const {protocol, local, localPort, remote, remotePort} = socket;
      const words = connectionWords(socket);
      const turned = connectionWords({
        protocol,
        local: remote,
        localPort: remotePort,
        remote: local,
        remotePort: localPort,
      });
      const same = found.get(words);
      if (same) same.places.push(placeWords(socket));
      else if (words.includes(typed) && !found.has(turned)) {
        const shown = turned.startsWith(typed) && !words.startsWith(typed) ? turned : words;
        found.set(words, {shown, places: [placeWords(socket)]});
      }
    }
  }
  return [...found.values()].flatMap(({shown, places}) =>
    places.length > 1 ? places.map(place => `${shown}@${place}`) : [shown],
  );
}
