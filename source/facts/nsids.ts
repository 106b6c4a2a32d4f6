import {dated, gapsOf} from './contribution.ts';
import type {Fact} from './fact.ts';
import {linesOf, note, quoted} from './lines.ts';
import {piecesOf} from './pieces.ts';

/**
 * Samples (`ip netns list-id`, iproute2 6.1.0): an id that the asking namespace has for another one, with a name
 * where a bind mount under /run/netns has one.
 * ```
 * nsid 0
 * nsid 1 (iproute2 netns name: cni-234f3990-1106-abf3-00b4-3d64bbf392c7)
 * ```
 */
export function parseNsids(out: Uint8Array): {
  rows: readonly {nsid: number; name?: string}[];
  problems: readonly string[];
} {
  const rows: {nsid: number; name?: string}[] = [];
  const problems: string[] = [];
  for (const {text} of linesOf(out)) {
    // `ip netns list` says the same the other way round, and is often typed after it.
    const turned = /^(\S+) \(id: (\d{1,9})\)\s*$/.exec(text);
    if (turned) {
      rows.push({nsid: Number(turned[2]), name: turned[1]!});
      continue;
    }
    const match = /^nsid (\d{1,9})\s*(?:\(iproute2 netns name: (.+)\))?\s*$/.exec(text);
    if (match) rows.push({nsid: Number(match[1]), ...(match[2] !== undefined && {name: match[2]})});
    else note(problems, () => `a line without an nsid: ${quoted(text)}.`);
  }
  return {rows, problems};
}

/** Ids of the node's own namespace; one without a name leads nowhere, which is no fault. */
export const NSIDS: Fact = {
  name: 'nsids',
  reader: {
    name: 'ip-netns-list-id@1',
    fact: 'nsids',
    scope: 'node',
    command: 'ip netns list-id',
    why: 'Which namespace the other end of a veth is in, as the kernel numbers them.',
    limit: 1_000_000,
    timeout: 5,
    slight: true,
  },
  cadence: {when: 'change', backstop: 15},
  formats: [
    {
      name: 'ip-netns-list-id@1',
      label: 'ip netns list-id',
      looks: ({lines}) => /^nsid \d{1,9}\b/.test(lines[0] ?? ''),
      redact: out => out,
    },
  ],
  contribute(reply, soFar) {
    const read = piecesOf(reply).map(({out}) => parseNsids(out));
    const [rows, problems] = [read.flatMap(one => one.rows), read.flatMap(one => one.problems)];
    const gaps = gapsOf(reply, {name: 'ip', package: 'iproute2'}, problems, {soFar});
    if (soFar.hostNetns === undefined || (rows.length === 0 && gaps.length > 0)) return {gaps};
    const named = new Map<string, string>();
    for (const {path, netns} of soFar.members?.value ?? []) {
      const name = path === undefined ? undefined : /^(?:\/var)?\/run\/netns\/(.+)$/.exec(path)?.[1];
      if (name !== undefined) named.set(name, netns);
    }
    // Where mounts were not read, a pod's own process tells which namespace its mount is.
    const netnsOf = new Map(soFar.members?.value.map(({pid, netns}) => [pid, netns]));
    for (const {netnsPath, pid} of soFar.sandboxes?.value ?? []) {
      const name = /^(?:\/var)?\/run\/netns\/(.+)$/.exec(netnsPath ?? '')?.[1];
      const netns = pid === undefined ? undefined : netnsOf.get(pid);
      if (name !== undefined && netns !== undefined && !named.has(name)) named.set(name, netns);
    }
    const nsids = new Map<number, string>();
    for (const {nsid, name} of rows) {
      const inode = name === undefined ? undefined : named.get(name);
      if (inode !== undefined) nsids.set(nsid, inode);
    }
    return {netns: new Map([[soFar.hostNetns, {nsids: dated(reply, nsids)}]]), gaps};
  },
  /** Nothing secret: numbers and names of namespaces. */
  redact: out => out,
};
