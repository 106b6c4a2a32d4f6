/**
 * How right hoptop's joins are: every end of every true connection (truth.ts, in which hoptop has no part) against what
 * `hoptop sockets` says of the socket with that inode.
 */
import type {SocketRow} from '../../source/questions/socket-rows.ts';
import type {End, TrueConnection} from './truth.ts';

/** How many of one kind: `ends` known to the truth and to hoptop, `said` with another end, `right` with the true one. */
export type Score = {ends: number; said: number; right: number; proven: number; wrong: string[]};

export type Kind = 'direct' | 'translated' | 'outside';

const OUTSIDE = new Set(['outside', 'beyond', 'tracked-outside']);

/**
 * Scores by protocol and kind. An end whose other end is outside the cluster is right when hoptop says that it is
 * outside and, through NAT, at which address it really is.
 */
export function scoresOf(
  connections: readonly TrueConnection[],
  sockets: readonly SocketRow[],
): Map<string, Score> {
  const rows = new Map(sockets.map(socket => [`${socket.node} ${socket.inode}`, socket]));
  const scores = new Map<string, Score>();
  for (const connection of connections) {
    const {protocol, client, server, translated} = connection;
    for (const [mine, other] of [
      [client, server],
      [server, client],
    ] as const) {
      // The fabric is no node; a UDP server's socket is not connected, and so has no other end.
      if (mine.node === 'fabric' || (protocol === 'udp' && mine === server)) continue;
      const row = rows.get(`${mine.node} ${mine.inode}`);
      if (!row) continue;
      const kind: Kind =
        other.node === 'fabric'
          ? 'outside'
          : translated.destination || translated.source
            ? 'translated'
            : 'direct';
      const score = scores.get(`${protocol} ${kind}`) ?? {ends: 0, said: 0, right: 0, proven: 0, wrong: []};
      scores.set(`${protocol} ${kind}`, score);
      score.ends += 1;
      const outside = kind === 'outside';
      const said = outside
        ? OUTSIDE.has(row.other.join) || row.other.local !== undefined
        : row.other.local !== undefined;
      if (!said) continue;
      score.said += 1;
      const right = outside ? isOutside(row, other) : isEnd(row, other);
      if (right) score.right += 1;
      else score.wrong.push(`${rowText(row)}, truly ${other.node} ${other.local} pid ${other.pid}`);
      if (right && row.other.grade === 'proven') score.proven += 1;
    }
  }
  return scores;
}

function isEnd({other}: SocketRow, truth: End): boolean {
  return other.node === truth.node && other.pid === truth.pid && `${other.localPort}` === portOf(truth.local);
}

/** Outside, and by which address: what conntrack says, else what the socket is connected to. */
function isOutside(row: SocketRow, truth: End): boolean {
  const far =
    row.other.far ?? `${row.remote.includes(':') ? `[${row.remote}]` : row.remote}:${row.remotePort}`;
  return OUTSIDE.has(row.other.join) && (far === truth.local || isUnconnected(truth));
}

function isUnconnected({peer}: End): boolean {
  return peer.endsWith(':0');
}

function portOf(endpoint: string): string {
  return endpoint.slice(endpoint.lastIndexOf(':') + 1);
}

function rowText({node, local, localPort, remote, remotePort, other}: SocketRow): string {
  return `${node} ${local}:${localPort} → ${remote}:${remotePort} is said to be ${other.join} ${other.node ?? '?'} ${other.local ?? '?'}:${other.localPort ?? '?'} pid ${other.pid ?? '?'}`;
}

/** One line a kind: precision is right of said, recall right of all. */
export function scoreLines(topology: string, scores: ReadonlyMap<string, Score>): string[] {
  const percent = (part: number, whole: number) =>
    whole === 0 ? '-' : `${((part / whole) * 100).toFixed(1)}%`;
  return [...scores]
    .sort()
    .map(([kind, {ends, said, right, proven}]) =>
      [
        topology.padEnd(14),
        kind.padEnd(16),
        `${ends}`.padStart(5),
        `${said}`.padStart(5),
        `${right}`.padStart(6),
        percent(right, said).padStart(10),
        percent(right, ends).padStart(7),
        percent(proven, ends).padStart(7),
      ].join(' '),
    );
}

export const HEADING = `${'topology'.padEnd(14)} ${'kind'.padEnd(16)}  ends  said  right  precision  recall  proven`;
