import {readdirSync, readFileSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {assemble, type Found} from '../../source/cli/import/assemble.ts';
import {FACTS, redact} from '../../source/facts/catalogue.ts';
import {CLUSTER_FACTS} from '../../source/facts/cluster.ts';
import {buildGraph} from '../../source/model/build.ts';
import {CLUSTER, PASTED_STEP} from '../../source/wire/source.ts';
import {createWorld} from '../../source/world.ts';

export const AT = '2026-11-23T05:30:00.000Z';
const root = fileURLToPath(new URL('../fixtures/', import.meta.url));

/** Files of test/fixtures below a folder, as `hoptop import FOLDER` finds them. */
export function filesBelow(folder: string): Found[] {
  return readdirSync(join(root, folder), {recursive: true, encoding: 'utf8'})
    .sort()
    .filter(below => statSync(join(root, folder, below)).isFile())
    .map(below => ({
      name: below,
      below,
      directory: join(root, folder),
      at: AT,
      out: new Uint8Array(readFileSync(join(root, folder, below))),
    }));
}

/** One file as it is named on the command line, perhaps by another name. */
export function file(path: string, name = path): Found {
  return {name, at: AT, out: new Uint8Array(readFileSync(join(root, path)))};
}

export function pasted(name: string, text: string): Found {
  return {name, at: AT, out: new TextEncoder().encode(text)};
}

/** What a recording of it would be asked: replies as they are written, without their secrets. */
export function imported(files: readonly Found[], node?: string) {
  const assembled = assemble(files, node);
  const world = createWorld(assembled.nodes, FACTS, AT, CLUSTER_FACTS);
  for (const id of [...assembled.nodes, CLUSTER]) {
    const own = assembled.replies.filter(reply => reply.node === id);
    if (own.length === 0) continue;
    if (id !== CLUSTER) world.apply({type: 'node', node: id, at: AT, state: 'ready', step: PASTED_STEP});
    for (const reply of own)
      world.apply({type: 'reply', ...reply, out: redact(reply.fact, reply.out, reply.reader)});
    world.apply({type: 'swept', node: id, swept: 1, at: AT, uptime: 0, cpu: 0, wall: 0, bytes: 1, trips: 0});
  }
  const inputs = world.nodes.map(({id, reach, ...rest}) => [id, {...reach, ...rest}] as const);
  return {...assembled, world, graph: buildGraph(new Map(inputs), AT, world.cluster)};
}
