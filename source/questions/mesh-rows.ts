import * as v from 'valibot';
import {SEEN} from './mesh-pairs.ts';
import {count, Evidence, flag, Grade, list, maybe, text} from './schema.ts';

const protocol = v.picklist(['tcp', 'udp']);

export const MeshNode = v.object({
  name: text('Node, by name; the address of one that only its connections tell of.'),
  kind: v.pipe(
    v.picklist(['read', 'stale', 'unread', 'address']),
    v.description('address: it is a node’s, as its connections tell, and no node that was asked for has it.'),
  ),
  sockets: flag('The sockets of its own namespace were all read: what is not seen there is not there.'),
  why: maybe.text('For an address: how it is known to be a node’s.'),
});
export type MeshNode = v.InferOutput<typeof MeshNode>;

export const MeshPort = v.object({
  words: text('What `hoptop mesh` takes for it.'),
  protocol,
  port: count('Port of the end that is called.'),
  purpose: maybe.text('Key of what it is for.'),
  of: maybe.text('Plugin or component it belongs to.'),
  about: maybe.text('What it is for, as a sentence goes on after "it is".'),
  probe: maybe.text('Who asks there, when that is always the node itself.'),
  declared: maybe.text('What the Kubernetes API has declared of it, by which workload.'),
  grade: v.optional(Grade),
  why: text('How that is known, or why it is not.'),
  source: maybe.text('Where what the port is for is written.'),
  programs: v.pipe(list(v.string()), v.description('Programs that listen on it.')),
  callers: v.pipe(list(v.string()), v.description('Programs that call it.')),
  nodes: count('Nodes that listen on it.'),
  addresses: v.pipe(
    list(v.string()),
    v.description('Local addresses it is bound to on the nodes themselves.'),
  ),
  kernel: flag('A tunnel of the kernel: its packets have no socket that could be seen.'),
  loopback: flag('It is bound to loopback only: nobody but the node itself can call it.'),
  connections: count('Connections between nodes.'),
  elsewhere: count('Connections with addresses that are on none of the nodes.'),
  pairs: v.object({
    whole: count('Pairs of nodes seen from both ends.'),
    trouble: count('Pairs in trouble.'),
    unknown: count('Pairs of which an end was not read.'),
  }),
  expected: maybe.text('Why every pair, or every pair of those that listen, should have a connection.'),
  evidence: list(Evidence),
});
export type MeshPort = v.InferOutput<typeof MeshPort>;

export const MeshPair = v.object({
  from: text('Node that calls.'),
  to: text('Node that is called.'),
  protocol,
  port: count('Port that is called.'),
  purpose: maybe.text('Key of what the port is for.'),
  seen: v.pipe(
    v.picklist(SEEN),
    v.description(
      'both: from both ends. caller, called: from that end only, though the other was read. caller-unread, called-unread: the other was not read. calling: without an answer. stuck: sent again and not acknowledged. served: to a UDP socket, which does not show whom it serves. past: closed. none: nothing, though others have one. unknown: nothing, and an end was not read.',
    ),
  ),
  trouble: flag('Something is wrong with it, as far as was seen.'),
  connections: count('Open connections.'),
  retrans: maybe.count('Most retransmissions of one of them; absent where not known.'),
  connection: maybe.text('The only connection, as `hoptop connection` takes it.'),
  grade: Grade,
  why: text('What was seen, as a sentence.'),
  evidence: v.pipe(
    list(Evidence),
    v.description('Of the first few connections; where there is none, of what others have.'),
  ),
});
export type MeshPair = v.InferOutput<typeof MeshPair>;

export const MeshTrouble = v.object({
  words: text('What `hoptop mesh` takes to show just this.'),
  protocol,
  port: count('Port that is called.'),
  purpose: maybe.text('Key of what the port is for.'),
  seen: v.picklist(SEEN),
  sentence: text('Who to whom, and what is wrong.'),
  pairs: count('Pairs of nodes that it explains.'),
  connection: maybe.text('The only connection, as `hoptop connection` takes it.'),
  why: text('Why a connection is expected there, or what was seen.'),
  evidence: list(Evidence),
});
export type MeshTrouble = v.InferOutput<typeof MeshTrouble>;

export const FlowEnd = v.object({
  node: maybe.text('Node, by name.'),
  pod: maybe.text('Pod.'),
  process: maybe.text('Process, as NODE:PID.'),
  program: maybe.text('Its name.'),
  address: text('Address of this end.'),
  role: maybe.text('Whose the address is, where only its connections tell.'),
});
export type FlowEnd = v.InferOutput<typeof FlowEnd>;

export const MeshFlow = v.object({
  from: FlowEnd,
  to: FlowEnd,
  protocol,
  port: count('Port that is called.'),
  purpose: maybe.text('Key of what the port is for.'),
  connections: count('Connections between the two.'),
  connection: maybe.text('The only one, as `hoptop connection` takes it.'),
  states: v.record(v.string(), v.number()),
  grade: v.optional(Grade),
  why: text('How the other end was found, or why not.'),
  evidence: list(Evidence),
});
export type MeshFlow = v.InferOutput<typeof MeshFlow>;

export const MeshAddress = v.object({
  address: text('Address that the plugin’s health probes go to or come from.'),
  role: v.pipe(v.picklist(['node', 'endpoint']), v.description('endpoint: a health endpoint.')),
  node: maybe.text('Node it is on, where that was read.'),
  grade: Grade,
  why: text('How that is known.'),
  evidence: list(Evidence),
});
export type MeshAddress = v.InferOutput<typeof MeshAddress>;
