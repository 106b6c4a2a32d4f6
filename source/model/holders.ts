import type {Owners} from '../facts/owners.ts';

/** Rows [first, end) of `owners` that hold this socket inode, found by binary search; empty for inode 0. */
export function holdersOf(owners: Owners, inode: number): readonly [first: number, end: number] {
  if (inode === 0) return [0, 0];
  let [low, high] = [0, owners.count];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (owners.inode[middle]! < inode) low = middle + 1;
    else high = middle;
  }
  let end = low;
  while (end < owners.count && owners.inode[end] === inode) end += 1;
  return [low, end];
}

/** Pids that hold a socket, each once, in the order of the descriptor scan. */
export function pidsHolding(owners: Owners | undefined, inode: number): number[] {
  if (!owners) return [];
  const [first, end] = holdersOf(owners, inode);
  if (end - first === 1) return [owners.pid[first]!];
  return [...new Set(owners.pid.subarray(first, end))];
}
