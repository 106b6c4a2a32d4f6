import type {Grade} from './graph.ts';

/** What looking for the other end of a socket can come to, in words. The order is the code in `Ends.join`. */
export const JOINS = [
  {key: 'none', grade: undefined, why: 'it has no other end: it is not connected'},
  {key: 'both', grade: 'proven', why: 'both ends were seen, each with the other as its remote'},
  {
    key: 'server',
    grade: 'inferred',
    why: 'one UDP socket is bound there and takes what nobody connected to: it does not show whom it serves',
  },
  {key: 'ambiguous', grade: 'ambiguous', why: 'several sockets fit as the other end'},
  {
    key: 'translated',
    grade: 'inferred',
    why: 'through NAT: no interface of the nodes read has the address that the client calls, and only this pair of sockets without another end shares the client’s address and port',
  },
  {
    key: 'outside',
    grade: 'unknown',
    why: 'no interface of the nodes read has the remote address: it goes through NAT (a ClusterIP, for one) or outside these nodes; conntrack on this node would tell',
  },
  {
    key: 'given',
    grade: 'inferred',
    why: 'the remote address is what this node was called by, and it was not read',
  },
  {
    key: 'listed',
    grade: 'inferred',
    why: 'no interface read has the remote address, but the Kubernetes API says whose it is',
  },
  {
    key: 'ranged',
    grade: 'inferred',
    why: 'no interface read has the remote address, but it is of the prefix that the Kubernetes API gives to the pods of this node, which was not, or not wholly, read',
  },
  {
    key: 'led',
    grade: 'inferred',
    why: 'no interface read has the remote address, but routes of the nodes read lead it to this node, which was not, or not wholly, read',
  },
  {
    key: 'perhaps',
    grade: 'unknown',
    why: 'no interface read has the remote address: it goes through NAT (a ClusterIP, for one) or outside, or is on a node that was not, or not wholly, read',
  },
  {
    key: 'half',
    grade: 'unknown',
    why: 'the remote address is known, but no socket there has this one as its remote: closed meanwhile, or an address was translated on the way',
  },
  {
    key: 'silent',
    grade: 'unknown',
    why: 'the remote address is known, but nothing was seen bound to that port there: likely refused',
  },
  {
    key: 'waiting',
    grade: 'unknown',
    why: 'something listens at the remote address, but its end of this connection was not seen',
  },
  {
    key: 'unread',
    grade: 'unknown',
    why: 'the remote address is known, but the sockets of its namespace were not, or not all, read',
  },
  {
    key: 'shared',
    grade: 'ambiguous',
    why: 'several namespaces have the remote address, and none has a socket that fits',
  },
  {
    key: 'closed',
    grade: 'inferred',
    why: 'the connection is closed: this end waits in TIME-WAIT, and the other end, whose address is known, let go of its socket',
  },
  {
    key: 'tracked',
    grade: 'proven',
    why: 'both ends were seen, and conntrack has the translation between them',
  },
  {
    key: 'tracked-server',
    grade: 'inferred',
    why: 'conntrack has the translation, and one UDP socket is bound there that takes what nobody connected to: it does not show whom it serves',
  },
  {
    key: 'tracked-half',
    grade: 'unknown',
    why: 'conntrack has the translation, but no socket was seen at its other end: closed meanwhile, or translated once more where that was not read',
  },
  {
    key: 'tracked-silent',
    grade: 'unknown',
    why: 'conntrack has the translation and has seen no answer [UNREPLIED]: nothing listens there, or the way there or back is broken',
  },
  {
    key: 'tracked-closed',
    grade: 'inferred',
    why: 'conntrack has the translation and says that the connection is closed or closing: the other end let go of its socket',
  },
  {
    key: 'tracked-unread',
    grade: 'unknown',
    why: 'conntrack has the translation, but the sockets of the namespace at its other end were not, or not all, read',
  },
  {
    key: 'tracked-outside',
    grade: 'inferred',
    why: 'conntrack has the translation, and its other end is an address that no interface of the nodes read has: outside these nodes',
  },
  {
    key: 'beyond',
    grade: 'inferred',
    why: 'no interface of the nodes read has the remote address, and conntrack of this node does not translate it: outside these nodes',
  },
  {
    key: 'unanswered',
    grade: 'unknown',
    why: 'conntrack has seen no answer [UNREPLIED]: nothing listens there, or the way there or back is broken',
  },
  {
    key: 'ebpf',
    grade: 'unknown',
    why: 'no interface of the nodes read has the remote address; BPF maps of services are pinned on this node, so conntrack is not authoritative here: it goes through that datapath or outside these nodes',
  },
  {
    key: 'not-yet',
    grade: 'unknown',
    why: 'no interface of the nodes read has the remote address, and conntrack of this node was last read before this connection was seen, so it is not read yet whether it is translated: a later sweep tells',
  },
] as const satisfies readonly {key: string; grade: Grade | undefined; why: string}[];

export type JoinKey = (typeof JOINS)[number]['key'];

/** Code of each join by its key. */
export const JOIN = Object.fromEntries(JOINS.map((join, code) => [join.key, code])) as Record<
  JoinKey,
  number
>;
