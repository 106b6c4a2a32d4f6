import {existsSync} from 'node:fs';
import {homedir} from 'node:os';
import {delimiter, join} from 'node:path';
import {type Flags, UsageError} from '../options.ts';

/** One node to reach: its id everywhere in hoptop, and how ssh gets there. */
export type Target = {
  readonly id: string;
  readonly target: string;
  /** Jump hosts of its own, as -J takes them; `none` goes straight. */
  readonly jump?: string;
  /** What Kubernetes calls it, where the inventory says so. */
  readonly kubernetes?: string;
};

/** What is asked: live nodes over SSH, this machine, or a recording. */
export type Origin =
  | {readonly kind: 'ssh'; readonly targets: readonly Target[]}
  /** The nodes that the Kubernetes API lists, over SSH. */
  | {readonly kind: 'kube'}
  | {readonly kind: 'local'}
  | {readonly kind: 'recording'; readonly file: string};

/** The one source that the flags name. Throws `UsageError` when they name none, several, or a broken one. */
export async function chooseOrigin(flags: Flags): Promise<Origin> {
  const named = [
    // Beside an inventory they choose among its nodes.
    flags.nodes && !flags.inventory && '--nodes',
    flags.inventory && '--inventory',
    flags.local && '--local',
    flags.from && '--from',
  ];
  const given = named.filter(name => name !== undefined && name !== false);
  const asksApi = (['kubeconfig', 'context', 'kube-via'] as const).find(name => flags[name] !== undefined);
  if (given.length === 0) {
    if (asksApi || hasKubeconfig()) return {kind: 'kube'};
    throw new UsageError(
      'Say what to read: --nodes root@10.0.0.1,root@10.0.0.2 (over SSH), --inventory FILE, --local, or --from FILE.hop; with a kubeconfig (--kubeconfig FILE) they are those that its cluster lists. `hoptop demo` shows a recorded cluster.',
    );
  }
  if (given.length > 1)
    throw new UsageError(`${given.join(' and ')} cannot be used together: one source at a time.`);
  if (flags.from && asksApi)
    throw new UsageError(
      `--${asksApi} and --from cannot be used together: a recording holds what the API said.`,
    );
  if (flags.from) return {kind: 'recording', file: flags.from};
  if (flags.local) return {kind: 'local'};
  const targets = flags.inventory
    ? await fromInventory(flags.inventory, flags.nodes)
    : await listTargets(flags.nodes ?? [], flags['ssh-config']);
  if (targets.length === 0) throw new UsageError(`${given[0]} names no node.`);
  const seen = new Set<string>();
  for (const {id} of targets) {
    if (seen.has(id)) throw new UsageError(`The node "${id}" is named twice.`);
    seen.add(id);
  }
  return {kind: 'ssh', targets};
}

/** YAML and its checks are loaded only for those who have such a file. */
async function fromInventory(
  file: string,
  chosen: readonly string[] | undefined,
): Promise<readonly Target[]> {
  const {chooseFrom, readInventory} = await import('./inventory.ts');
  const inventory = await readInventory(file);
  return chosen === undefined ? inventory.targets : chooseFrom(inventory, wordsOf(chosen), file);
}

async function listTargets(lists: readonly string[], config: string | undefined): Promise<Target[]> {
  const targets: string[] = [];
  for (const word of wordsOf(lists)) {
    if (word.startsWith('@'))
      throw new UsageError(
        `${word} is a group of an inventory: name the file as well, --inventory FILE --nodes ${word}.`,
      );
    if (!/[*?]/.test(word)) targets.push(word);
    // ssh's configuration is read here only for those who name a pattern.
    else targets.push(...(await import('../ssh-names.ts')).namedLike(word, config));
  }
  // A node that two patterns fit is one node.
  return [...new Set(targets)].map(target => ({id: hostOf(target), target}));
}

function wordsOf(lists: readonly string[]): string[] {
  return lists
    .flatMap(list => list.split(','))
    .map(text => text.trim())
    .filter(text => text !== '');
}

/** `root@[fe80::1]:22` → `fe80::1`; `root@node-1` → `node-1`. A port is kept: it may tell two nodes of one host apart. */
export function hostOf(target: string): string {
  const rest = target.slice(target.lastIndexOf('@') + 1);
  return rest.replace(/^\[(.*)\]$/, '$1');
}

/** The kubeconfig files that kubectl would read, whether they are there or not. */
export function kubeconfigPaths(env: Readonly<Record<string, string | undefined>> = process.env): string[] {
  const named = (env['KUBECONFIG'] ?? '').split(delimiter).filter(path => path !== '');
  return named.length > 0 ? named : [join(env['HOME'] || homedir(), '.kube', 'config')];
}

/** Looks only whether there is one: nothing of Kubernetes is loaded for those who have none. */
function hasKubeconfig(): boolean {
  return kubeconfigPaths().some(path => existsSync(path)) || Boolean(process.env['KUBERNETES_SERVICE_HOST']);
}
