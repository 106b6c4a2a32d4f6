/**
 * Makes replies of pasted outputs: which fact each holds, of which node and namespace, and when. Pure; the files were
 * read before.
 */

import {CLUSTER_FACTS} from '../../facts/cluster.ts';
import {parseAddressesOf} from '../../facts/ip/pasted.ts';
import {parseNodeObjects, parseNodeTable} from '../../facts/kube/nodes.ts';
import {parseNamespaces, typedMembers} from '../../facts/namespaces.ts';
import {encodePieces, PASTED, type Piece} from '../../facts/pieces.ts';
import {bundleLines, parseSandboxes} from '../../facts/sandboxes.ts';
import {CLUSTER, type Reply} from '../../wire/source.ts';
import {type Block, blocksOf} from './blocks.ts';
import {type Clash, clashesOf, noticesOf} from './clashes.ts';
import {boundAddresses, enteredBy, groupOf, nodeByAddress, nodeByPlace, type Place} from './places.ts';
import {type Recognised, recognise, whyNot} from './recognise.ts';

export type Found = Place & {readonly at: string; readonly out: Uint8Array};

export type Unrecognised = {
  readonly file: string;
  readonly line: number;
  readonly first: string;
  readonly why: string;
};

export type Assembled = {
  readonly replies: readonly Reply[];
  /** Ids of the nodes, in the order that they were met; without the cluster. */
  readonly nodes: readonly string[];
  readonly unrecognised: readonly Unrecognised[];
  /** How a node came to its name where nothing said it. */
  readonly named: readonly string[];
  /** Pastes that nothing says the node of, and that cannot be of one. */
  readonly clashes: readonly Clash[];
  readonly notices: readonly string[];
};

type Output = {
  readonly block: Block;
  readonly place: Place;
  readonly at: string;
  readonly facts: readonly Recognised[];
};

const BUNDLE_FILE = /(?:^|\/)([0-9a-f]{64})\/(config\.json|init\.pid)$/;

export function assemble(files: readonly Found[], node: string | undefined): Assembled {
  const outputs = outputsOf(files);
  const known = outputs.filter(({facts}) => facts.length > 0);
  const cluster = known.filter(isCluster);
  const listed = cluster.flatMap(({block, facts}) =>
    facts.flatMap(({format}) =>
      format.name === 'kube-nodes-table@1'
        ? parseNodeTable(block.out).rows
        : format.name === 'kube-nodes@1'
          ? parseNodeObjects(block.out).rows
          : [],
    ),
  );
  const own = known.filter(output => !isCluster(output));
  const names = [
    ...listed.map(({name}) => name),
    ...own.flatMap(({block}) => (block.host === undefined ? [] : [block.host])),
    ...(node === undefined ? [] : [node]),
  ];
  const {nodeOf, named, guessed} = nameNodes(own, names, listed, node);
  const nodeReplies = repliesOf(own, nodeOf);
  const replies = [...repliesOf(cluster, () => CLUSTER), ...nodeReplies];
  const together = own.filter(output => guessed.has(output));
  return {
    replies,
    nodes: [...new Set(own.map(nodeOf))],
    unrecognised: outputs.filter(({facts}) => facts.length === 0).map(({block}) => unrecognised(block)),
    named,
    clashes: clashesOf(repliesOf(together, nodeOf)),
    notices: noticesOf(nodeReplies),
  };
}

function outputsOf(files: readonly Found[]): Output[] {
  const bundles = new Map<string, {place: Place; at: string; lines: string[]}>();
  const outputs: Output[] = [];
  for (const {out, at, ...place} of files) {
    const [path, id, file] = BUNDLE_FILE.exec(place.below ?? place.name) ?? [];
    if (id !== undefined && file !== undefined) {
      const folder = (place.below ?? place.name).slice(0, -path!.length);
      const bundle = bundles.get(folder) ?? {place, at, lines: []};
      bundles.set(folder, bundle);
      bundle.lines.push(bundleLines(id, file, out));
      continue;
    }
    const blocks = blocksOf(place.name, out);
    // A file that is empty has been looked at, too.
    const all = blocks.length > 0 ? blocks : [{file: place.name, line: 1, out}];
    for (const block of all) outputs.push({block, place, at, facts: recognise(block)});
  }
  for (const {place, at, lines} of bundles.values()) {
    const file = place.name.replace(/[0-9a-f]{64}\/[^/]+$/, '*');
    const block: Block = {file, line: 1, out: new TextEncoder().encode(lines.join(''))};
    outputs.push({block, place, at, facts: recognise(block)});
  }
  return outputs;
}

function isCluster({facts}: Output): boolean {
  return facts.some(({fact}) => CLUSTER_FACTS.includes(fact));
}

type Naming = {
  readonly nodeOf: (output: Output) => string;
  readonly named: readonly string[];
  readonly guessed: ReadonlySet<Output>;
};

/** By prompt, flag, directory or file name; what lies together without any of these is one node, named by its address. */
function nameNodes(
  outputs: readonly Output[],
  names: readonly string[],
  listed: Parameters<typeof nodeByAddress>[1],
  flag: string | undefined,
): Naming {
  const said = new Map<Output, string>();
  const groups = new Map<string, Output[]>();
  for (const output of outputs) {
    const {block, place} = output;
    const name = block.host ?? flag ?? nodeByPlace(place, names);
    if (name !== undefined) said.set(output, name);
    else groups.set(groupOf(place), [...(groups.get(groupOf(place)) ?? []), output]);
  }
  const named: string[] = [];
  for (const [group, own] of groups) {
    const addresses = new Set(own.flatMap(addressesOf));
    const byAddress = nodeByAddress(addresses, listed);
    for (const output of own) said.set(output, byAddress?.name ?? group);
    if (byAddress) {
      named.push(
        `${group} is ${byAddress.name}: it has the address ${byAddress.address}, which the API gives to that node.`,
      );
    }
  }
  return {nodeOf: output => said.get(output)!, named, guessed: new Set([...groups.values()].flat())};
}

function addressesOf({block, facts}: Output): readonly string[] {
  return facts.flatMap(({fact, format}) => {
    if (fact.name === 'sockets') return boundAddresses(format.name, block.out);
    return fact.name === 'network' ? parseAddressesOf({format: format.name, from: 0, out: block.out}) : [];
  });
}

function repliesOf(outputs: readonly Output[], nodeOf: (output: Output) => string): Reply[] {
  const netnsOf = namespacesOf(outputs, nodeOf);
  const found = new Map<
    string,
    {node: string; fact: string; netns?: string; ats: string[]; pieces: Piece[]}
  >();
  for (const output of outputs) {
    const {block, at} = output;
    const node = nodeOf(output);
    for (const {fact, format} of output.facts) {
      const netns = fact.reader.scope === 'each-netns' ? netnsOf(node, block.command) : undefined;
      const key = JSON.stringify([node, fact.name, netns]);
      const reply = found.get(key) ?? {
        node,
        fact: fact.name,
        ...(netns !== undefined && {netns}),
        ats: [],
        pieces: [],
      };
      found.set(key, reply);
      reply.ats.push(at);
      const {file, line, command, out} = block;
      reply.pieces.push({format: format.name, file, line, ...(command !== undefined && {command}), at, out});
    }
  }
  return [...found.values()].map(({ats, pieces, ...about}) => ({
    ...about,
    reader: PASTED,
    sweep: 1,
    at: ats.sort().at(-1)!,
    uptime: 0,
    ms: 0,
    exit: 0,
    out: encodePieces(pieces),
    err: '',
  }));
}

/** Namespaces as their inodes where what was pasted tells them; else the node's own is `host`, and others go by pid or mount. */
function namespacesOf(
  outputs: readonly Output[],
  nodeOf: (output: Output) => string,
): (node: string, command: string | undefined) => string {
  type Known = {host?: string; byPid: Map<number, string>; byPath: Map<string, string>};
  const nodes = new Map<string, Known>();
  const at = (node: string): Known => {
    const known = nodes.get(node) ?? {byPid: new Map(), byPath: new Map()};
    nodes.set(node, known);
    return known;
  };
  for (const output of outputs) {
    const known = at(nodeOf(output));
    for (const {fact, format} of output.facts) {
      if (fact.name !== 'namespaces') continue;
      const {rows, host} =
        format.name === 'stat-netns@1' ? parseNamespaces(output.block.out) : typedMembers(output.block.out);
      if (host !== undefined) known.host = host;
      for (const {pid, path, netns} of rows) {
        if (pid !== undefined) known.byPid.set(pid, netns);
        if (path !== undefined) known.byPath.set(plain(path), netns);
      }
    }
  }
  for (const output of outputs) {
    if (!output.facts.some(({fact}) => fact.name === 'sandboxes')) continue;
    const known = at(nodeOf(output));
    for (const {pid, netnsPath} of parseSandboxes(output.block.out).rows) {
      const netns = pid === undefined ? undefined : known.byPid.get(pid);
      if (netnsPath !== undefined && netns !== undefined) known.byPath.set(plain(netnsPath), netns);
    }
  }
  return (node, command) => {
    const {pid, path} = enteredBy(command);
    const known = at(node);
    if (pid !== undefined) return known.byPid.get(pid) ?? `pid-${pid}`;
    if (path !== undefined)
      return (
        known.byPath.get(plain(path)) ??
        plain(path)
          .replace(/^\/run\/netns\//, '')
          .replaceAll('/', '-')
      );
    return known.host ?? 'host';
  };
}

function plain(path: string): string {
  return path.replace(/^\/var\/run\//, '/run/');
}

function unrecognised(block: Block): Unrecognised {
  const text = new TextDecoder().decode(block.out.subarray(0, 400));
  return {file: block.file, line: block.line, first: text.split('\n')[0] ?? '', why: whyNot(block)};
}
