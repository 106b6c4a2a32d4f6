import {Resolver} from 'node:dns/promises';
import type {Answer} from '../questions/answer.ts';
import type {PeerRow} from '../questions/peer-rows.ts';
import type {PeersAnswer} from '../questions/peers.ts';

/** More are not asked: each question tells a name server whom somebody looks at. */
const MOST = 32;
const PATIENCE = 2000;

/** What asks: `dns.reverse`, or a test's own. */
export type Reverse = (address: string) => Promise<readonly string[]>;

/**
 * The same answer with the names of its addresses outside, where it is about peers. Asked of this machine's resolver,
 * only because the person said so; one that does not answer in time leaves its address without a name.
 */
export async function withNames(answer: Answer, reverse?: Reverse): Promise<Answer> {
  if (answer.question.name !== 'peers') return answer;
  const {peers} = answer as PeersAnswer;
  const outside = [...new Set(peers.filter(({kind}) => kind === 'outside').flatMap(peer => peer.addresses))];
  const resolver = new Resolver({timeout: PATIENCE, tries: 1});
  const ask = reverse ?? (address => resolver.reverse(address));
  const patience = setTimeout(() => resolver.cancel(), PATIENCE);
  const names = new Map<string, readonly string[]>();
  await Promise.all(
    outside.slice(0, MOST).map(async address => {
      // No such name, no answer, no name server: it stays an address.
      const found = await ask(address).catch(() => []);
      if (found.length > 0) names.set(address, found);
    }),
  );
  clearTimeout(patience);
  return {...answer, peers: peers.map(peer => named(peer, names))} as Answer;
}

function named(peer: PeerRow, names: ReadonlyMap<string, readonly string[]>): PeerRow {
  const found = peer.kind === 'outside' ? peer.addresses.flatMap(address => names.get(address) ?? []) : [];
  return found.length > 0 ? {...peer, names: found} : peer;
}
