/** Which node, and which of its network namespaces, a pasted output is of. */
import {basename, dirname} from 'node:path';
import type {ClusterNode} from '../../facts/kube/nodes.ts';
import {readPiece} from '../../facts/sockets/pasted.ts';
import {addressText, isLoopback} from '../../model/words.ts';

/** Where a file was found: `name` is its path as the person would say it, `below` that under the directory given. */
export type Place = {readonly name: string; readonly below?: string; readonly directory?: string};

const TOOLS =
  'netstat|ss|ps|ifconfig|ip|addr|link|route|routes|neigh|rule|bridge|fdb|conntrack|iptables|iptables-save|sysctl|sysctls|uname|versions|sockets|processes|interfaces';
const NAME_FIRST = new RegExp(`^([a-z0-9][\\w.-]*?)[-_.](?:${TOOLS})(?=[-_.]|$)`, 'i');
const BUNDLE = /(?:^|\/)(?:[^/]*containerd[^/]*\/)?[0-9a-f]{64}\/(?:config\.json|init\.pid)$/;

/** The node that a place names: by the first directory below the one given, or by the file's own name. */
export function nodeByPlace({name, below}: Place, known: readonly string[]): string | undefined {
  const path = (below ?? '').replace(BUNDLE, '');
  const [first, ...rest] = path.split('/');
  if (first && (rest.length > 0 || BUNDLE.test(below ?? '')) && first !== '') return first;
  const base = basename(name).replace(/\.[a-z]{1,5}$/i, '');
  const words = base.split(/[^\w-]|_/);
  const called = known.filter(
    one => words.includes(one) || base.startsWith(`${one}-`) || base.endsWith(`-${one}`) || base === one,
  );
  if (called.length === 1) return called[0];
  const leading = NAME_FIRST.exec(base)?.[1];
  return leading === undefined || new RegExp(`^(?:${TOOLS})$`, 'i').test(leading) ? undefined : leading;
}

/** What files without a name of their own are called together: the directory that they lie in. */
export function groupOf({name, directory}: Place): string {
  const parent = basename(directory ?? dirname(name));
  return parent === '' || parent === '.' || parent === '/' ? 'pasted' : parent;
}

/** The one node of the API that has one of these addresses. */
export function nodeByAddress(
  addresses: ReadonlySet<string>,
  nodes: readonly ClusterNode[],
): {name: string; address: string} | undefined {
  const found = nodes.flatMap(node =>
    node.addresses.filter(address => addresses.has(address)).map(address => ({name: node.name, address})),
  );
  return new Set(found.map(({name}) => name)).size === 1 ? found[0] : undefined;
}

/** What a command says of where it ran on its node: a process, or a mount, whose namespace it entered. */
export function enteredBy(command = ''): {readonly pid?: number; readonly path?: string} {
  const pid =
    /\bnsenter\b.*(?:--net=\/proc\/|--target[= ]|-t ?)(\d+)\b/.exec(command)?.[1] ??
    /^cat \/proc\/(\d+)\/net\//.exec(command)?.[1];
  if (pid !== undefined) return {pid: Number(pid)};
  const path = /\bnsenter\b.*--net=(\/\S+)/.exec(command)?.[1];
  if (path !== undefined) return {path};
  const name = /\bip\s+(?:netns\s+exec\s+|-n(?:etns)?\s+)([\w.-]+)\s/.exec(command)?.[1];
  return name === undefined ? {} : {path: `/run/netns/${name}`};
}

/** Addresses of its own that an output of sockets shows: one can only be bound to what its namespace has. */
export function boundAddresses(format: string, out: Uint8Array): readonly string[] {
  const {table} = readPiece({format, from: 0, out});
  const found = new Set<string>();
  for (let row = 0; row < table.count; row += 1) {
    if (!isLoopback(table.local, row)) found.add(addressText(table.local, row, table.family[row]!));
  }
  return [...found].filter(address => address !== '0.0.0.0' && address !== '::');
}
