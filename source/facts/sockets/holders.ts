import type {Snapshot} from '../snapshot.ts';

/**
 * Namespaces whose processes hold other sockets than a sweep before: one listener may have been closed and another
 * opened, which leaves every count of the kernel as it was. Sockets of all families count, so this is at most too much.
 */
export function otherHolders(now: Snapshot, before: Snapshot | undefined): string[] {
  if (!before || now.owners?.sweep === before.owners?.sweep) return [];
  const was = held(before);
  return [...held(now)].filter(([netns, sum]) => was.get(netns) !== sum).map(([netns]) => netns);
}

/** By namespace, a sum over its processes' (pid, inode) that is another one when they hold other sockets. */
function held({owners, members}: Snapshot): Map<string, number> {
  const netnsOf = new Map((members?.value ?? []).map(({pid, netns}) => [pid, netns]));
  const sums = new Map<string, number>();
  const {count, inode, pid} = owners?.value ?? {count: 0, inode: new Uint32Array(), pid: new Uint32Array()};
  for (let i = 0; i < count; i++) {
    const netns = netnsOf.get(pid[i]!);
    if (netns === undefined) continue;
    const mixed = Math.imul(inode[i]! ^ Math.imul(pid[i]!, 0x9e37_79b1), 0x85eb_ca6b) >>> 0;
    sums.set(netns, (sums.get(netns) ?? 0) + mixed);
  }
  return sums;
}
