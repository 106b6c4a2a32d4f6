/** What was pasted for one node and cannot all be of it: found before anything is written. Pure. */
import {parseAddressesOf} from '../../facts/ip/pasted.ts';
import {PASTED, piecesOf} from '../../facts/pieces.ts';
import {leftOut, readPiece} from '../../facts/sockets/pasted.ts';
import type {Reply} from '../../wire/source.ts';
import {boundAddresses} from './places.ts';

type Piece = ReturnType<typeof piecesOf>[number];

/** Pastes of one node and namespace that show the same kind of thing, and not the same. */
export type Clash = {readonly node: string; readonly what: string; readonly files: readonly string[]};

/**
 * Of each node two pastes by the same tool, in files of their own, that disagree: sockets of which those of one would
 * be left out, interfaces with other addresses, another list of processes. Nobody knows which of them is the node's.
 */
export function clashesOf(replies: readonly Reply[]): Clash[] {
  return replies.flatMap(reply => {
    const found = piecesOf({...reply, reader: PASTED});
    return [...Map.groupBy(found, ({format}) => format).values()].flatMap(same => {
      const files = clashing(reply.fact, same);
      return files.length > 1 ? [{node: reply.node, what: reply.fact, files}] : [];
    });
  });
}

function clashing(fact: string, pieces: readonly Piece[]): string[] {
  const found = new Set<string>();
  for (const [i, one] of pieces.entries()) {
    for (const other of pieces.slice(i + 1)) {
      if (one.file === other.file || Buffer.compare(one.out, other.out) === 0) continue;
      if (!differ(fact, one, other)) continue;
      for (const {file} of [one, other]) if (file !== undefined) found.add(file);
    }
  }
  return [...found];
}

function differ(fact: string, one: Piece, other: Piece): boolean {
  switch (fact) {
    case 'sockets':
      return leftOut([one, other].map(readPiece)).length > 0;
    case 'processes':
      return true;
    case 'network':
      return [4, 6].some(family => {
        const [a, b] = [one, other].map(piece => ofFamily(parseAddressesOf(piece), family));
        return a!.length > 0 && b!.length > 0 && !a!.some(address => b!.includes(address));
      });
    default:
      return false;
  }
}

function ofFamily(addresses: readonly string[], family: number): string[] {
  return addresses.filter(
    address => address.includes(':') === (family === 6) && !/^(127\.|::1$|fe80:)/.test(address),
  );
}

/** What is taken though it does not fit: sockets left out, and sockets bound to addresses that the node has not. */
export function noticesOf(replies: readonly Reply[]): string[] {
  const notices: string[] = [];
  for (const reply of replies.filter(({fact}) => fact === 'sockets')) {
    const {node, netns} = reply;
    const pieces = piecesOf({...reply, reader: PASTED});
    for (const {piece, rows, for: taken} of leftOut(pieces.map(readPiece))) {
      notices.push(
        `${node}: ${rows} ${rows === 1 ? 'socket' : 'sockets'} of ${piece.file} ${rows === 1 ? 'is' : 'are'} left out, since ${taken.file} shows the same kinds and is taken.`,
      );
    }
    const network = replies.find(one => one.fact === 'network' && one.node === node && one.netns === netns);
    const addresses = network ? piecesOf({...network, reader: PASTED}).flatMap(parseAddressesOf) : [];
    if (addresses.length === 0) continue;
    for (const {format, file, out} of pieces) {
      const bound = boundAddresses(format, out);
      if (bound.length > 0 && !bound.some(address => addresses.includes(address)))
        notices.push(
          `${node}: the local addresses in ${file} (${bound.slice(0, 3).join(', ')}) are none of those that its interfaces were pasted with (${addresses.slice(0, 3).join(', ')}): it may be of another node.`,
        );
    }
  }
  return notices;
}
