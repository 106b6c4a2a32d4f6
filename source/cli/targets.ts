import {readFile} from 'node:fs/promises';
import * as v from 'valibot';
import {parse} from 'yaml';
import {type Flags, UsageError} from '../options.ts';

/** One node to reach: its id everywhere in hoptop, and how ssh gets there. */
export type Target = {readonly id: string; readonly target: string};

/** What is asked: live nodes over SSH, this machine, or a recording. */
export type Origin =
  | {readonly kind: 'ssh'; readonly targets: readonly Target[]}
  | {readonly kind: 'local'}
  | {readonly kind: 'recording'; readonly file: string};

const Entry = v.union([
  v.string(),
  v.strictObject({
    name: v.optional(v.string()),
    host: v.string(),
    user: v.optional(v.string()),
    port: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65535))),
  }),
]);
const Inventory = v.union([v.array(Entry), v.strictObject({nodes: v.array(Entry)})]);

/** The one source that the flags name. Throws `UsageError` when they name none, several, or a broken one. */
export async function chooseOrigin(flags: Flags): Promise<Origin> {
  const named = [
    flags.nodes && '--nodes',
    flags.inventory && '--inventory',
    flags.local && '--local',
    flags.from && '--from',
  ];
  const given = named.filter(name => name !== undefined && name !== false);
  if (given.length === 0) {
    throw new UsageError(
      'Say what to read: --nodes root@10.0.0.1,root@10.0.0.2 (over SSH), --inventory FILE, --local, or --from FILE.hop. `hoptop demo` shows a recorded cluster.',
    );
  }
  if (given.length > 1)
    throw new UsageError(`${given.join(' and ')} cannot be used together: one source at a time.`);
  if (flags.from) return {kind: 'recording', file: flags.from};
  if (flags.local) return {kind: 'local'};
  const targets = flags.inventory ? await readInventory(flags.inventory) : listTargets(flags.nodes ?? []);
  if (targets.length === 0) throw new UsageError(`${given[0]} names no node.`);
  const seen = new Set<string>();
  for (const {id} of targets) {
    if (seen.has(id)) throw new UsageError(`The node "${id}" is named twice.`);
    seen.add(id);
  }
  return {kind: 'ssh', targets};
}

function listTargets(lists: readonly string[]): Target[] {
  return lists
    .flatMap(list => list.split(','))
    .map(text => text.trim())
    .filter(text => text !== '')
    .map(target => ({id: hostOf(target), target}));
}

async function readInventory(file: string): Promise<Target[]> {
  let data: unknown;
  try {
    data = parse(await readFile(file, 'utf8'));
  } catch (error) {
    const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    throw new UsageError(`The inventory ${file} could not be read: ${why}`);
  }
  const result = v.safeParse(Inventory, data);
  if (!result.success) {
    const [issue] = result.issues;
    const where = v.getDotPath(issue) ?? 'at its top';
    throw new UsageError(
      `The inventory ${file} is not a list of nodes (see ${where}: ${issue.expected ?? 'another value'} is expected). Write nodes: [{name: worker-1, host: 10.0.0.1, user: root}].`,
    );
  }
  const entries = Array.isArray(result.output) ? result.output : result.output.nodes;
  return entries.map(entry => {
    if (typeof entry === 'string') return {id: hostOf(entry), target: entry};
    const {name, host, user, port} = entry;
    const bare = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
    const target = `${user ? `${user}@` : ''}${bare}${port ? `:${port}` : ''}`;
    return {id: name ?? host, target};
  });
}

/** `root@[fe80::1]:22` → `fe80::1`; `root@node-1` → `node-1`. A port is kept: it may tell two nodes of one host apart. */
function hostOf(target: string): string {
  const rest = target.slice(target.lastIndexOf('@') + 1);
  return rest.replace(/^\[(.*)\]$/, '$1');
}
