/**
 * The inventory: a YAML file of nodes, with groups, jump hosts and the names that Kubernetes has for them. Whatever is
 * wrong with it is said with the line that it stands in.
 */
import {readFile} from 'node:fs/promises';
import {type Document, isNode, LineCounter, parseDocument} from 'yaml';
import {sanitise} from '../facts/text.ts';
import {UsageError} from '../options.ts';
import {parseJumps, parseTarget} from '../wire/ssh/target.ts';
import {hostOf, type Target} from './targets.ts';

export type Inventory = {
  readonly targets: readonly Target[];
  /** Ids of the nodes in each group. */
  readonly groups: ReadonlyMap<string, readonly string[]>;
};

/** What counts for the nodes below where they say nothing themselves. */
type Usual = {readonly user?: string; readonly port?: number; readonly jump?: string};
type Path = readonly (string | number)[];
type Wrong = (path: Path, sentence: string) => UsageError;
type Fields = Readonly<Record<string, unknown>>;

const USUAL = ['user', 'port', 'jump'] as const;
const SHAPE = 'Write nodes: [{name: worker-1, host: 10.0.0.1, user: root}].';

/**
 * ```
 * user: root                          # for all nodes below; as port and jump
 * jump: me@bastion                    # as -J takes it; none goes straight
 * nodes:
 *   - {name: cp-1, host: 10.0.0.11, kubernetes: ip-10-0-0-11.ec2.internal}
 *   - root@10.0.0.12:2222
 * groups:
 *   edge: [cp-1]                      # of nodes above, or entries of its own
 *   workers:
 *     jump: none
 *     nodes: [{name: worker-1, host: 10.0.0.21}]
 * ```
 * Throws `UsageError` naming what is wrong, and the line.
 */
export async function readInventory(file: string): Promise<Inventory> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const why = error instanceof Error ? error.message.split('\n')[0] : String(error);
    throw new UsageError(`The inventory ${file} could not be read: ${why}`);
  }
  const lines = new LineCounter();
  const {data, document} = dataOf(file, text, lines);
  const wrong: Wrong = (path, sentence) =>
    new UsageError(
      sanitise(`The inventory ${file} is wrong at line ${lineOf(document, path, lines)}: ${sentence}`),
    );
  const top: Fields = Array.isArray(data) ? {nodes: data} : isFields(data) ? data : {};
  if (!Array.isArray(top['nodes']) && !isFields(top['groups']))
    throw new UsageError(`The inventory ${file} is not a list of nodes. ${SHAPE}`);
  const at: Path = Array.isArray(data) ? [] : ['nodes'];
  only(top, ['nodes', 'groups', ...USUAL], [], wrong);
  const usual = usualOf(top, {}, [], wrong);
  const targets = new Map<string, Target>();
  const add = (target: Target, path: Path) => {
    if (targets.has(target.id)) throw wrong(path, `the node “${target.id}” is named twice.`);
    targets.set(target.id, target);
  };
  listOf(top['nodes'] ?? [], at, wrong).forEach((entry, i) => {
    add(targetOf(entry, usual, [...at, i], wrong), [...at, i]);
  });
  const groups = new Map<string, readonly string[]>();
  for (const [name, value] of Object.entries(fieldsOf(top['groups'] ?? {}, ['groups'], wrong))) {
    const path = ['groups', name];
    const own = isFields(value) ? value : {nodes: value};
    only(own, ['nodes', ...USUAL], path, wrong);
    const inGroup = usualOf(own, usual, path, wrong);
    const below = isFields(value) ? [...path, 'nodes'] : path;
    const ids = listOf(own['nodes'], below, wrong).map((entry, i) => {
      // A node that is described above belongs to it as well.
      if (typeof entry === 'string' && targets.has(entry)) return entry;
      const target = targetOf(entry, inGroup, [...below, i], wrong);
      add(target, [...below, i]);
      return target.id;
    });
    groups.set(name, ids);
  }
  return {targets: [...targets.values()], groups};
}

/** The nodes that `words` name: by name, or `@group`; in that order, each once. Throws `UsageError` for others. */
export function chooseFrom(
  {targets, groups}: Inventory,
  words: readonly string[],
  file: string,
): readonly Target[] {
  const byId = new Map(targets.map(target => [target.id, target]));
  const ids = words.flatMap(word => {
    const group = word.startsWith('@') ? groups.get(word.slice(1)) : undefined;
    if (group) return group;
    if (byId.has(word)) return [word];
    const there = word.startsWith('@')
      ? `group ${word}. Its groups: ${[...groups.keys()].map(name => `@${name}`).join(', ') || 'none'}.`
      : `node “${word}”. Its nodes: ${[...byId.keys()].slice(0, 20).join(', ')}${byId.size > 20 ? ', …' : ''}.`;
    throw new UsageError(sanitise(`The inventory ${file} has no ${there}`));
  });
  return [...new Set(ids)].map(id => byId.get(id)!);
}

function dataOf(file: string, text: string, lines: LineCounter): {data: unknown; document: Document} {
  const broken = (line: number | undefined, why: string) =>
    new UsageError(
      `The inventory ${file} is broken YAML${line === undefined ? '' : ` at line ${line}`}: ${why}.`,
    );
  // Without its check for repeated keys, which compares each with every other.
  const document = parseDocument(text, {logLevel: 'silent', uniqueKeys: false, lineCounter: lines});
  const [error] = document.errors;
  if (error) throw broken(error.linePos?.[0].line, error.message.split(/\n| at line/)[0]!.replace(/\.$/, ''));
  try {
    return {data: document.toJS({maxAliasCount: 100}), document};
  } catch (fault) {
    throw broken(undefined, String(fault).split('\n')[0]!);
  }
}

/** The line of what stands at `path`, or else of what it would stand in. */
function lineOf(document: Document, path: Path, lines: LineCounter): number {
  for (let depth = path.length; depth >= 0; depth--) {
    const node = depth === 0 ? document.contents : document.getIn(path.slice(0, depth), true);
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return 1;
}

function targetOf(entry: unknown, usual: Usual, path: Path, wrong: Wrong): Target {
  if (typeof entry === 'string') {
    const {user, port} = checked(() => parseTarget(entry), path, wrong);
    const login = user === undefined && usual.user !== undefined ? `${usual.user}@` : '';
    const plain = entry.trim();
    const to = port === undefined && usual.port !== undefined ? withPort(plain, usual.port) : plain;
    return {id: hostOf(plain), target: `${login}${to}`, ...jumpOf(usual)};
  }
  const fields = fieldsOf(entry, path, wrong);
  only(fields, ['name', 'host', 'kubernetes', ...USUAL], path, wrong);
  const host = wordOf(fields, 'host', path, wrong);
  if (host === undefined) throw wrong(path, `this node has no host. ${SHAPE}`);
  const name = wordOf(fields, 'name', path, wrong);
  const kubernetes = wordOf(fields, 'kubernetes', path, wrong);
  const own = usualOf(fields, usual, path, wrong);
  const bare = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
  const target = `${own.user === undefined ? '' : `${own.user}@`}${bare}${own.port === undefined ? '' : `:${own.port}`}`;
  checked(() => parseTarget(target), [...path, 'host'], wrong);
  return {id: name ?? host, target, ...jumpOf(own), ...(kubernetes === undefined ? {} : {kubernetes})};
}

function withPort(target: string, port: number): string {
  const bare = /^(.*@)?([^@[]*:[^@[]*)$/.exec(target);
  return bare ? `${bare[1] ?? ''}[${bare[2]}]:${port}` : `${target}:${port}`;
}

function jumpOf({jump}: Usual): Pick<Target, 'jump'> {
  return jump === undefined ? {} : {jump};
}

function usualOf(fields: Fields, usual: Usual, path: Path, wrong: Wrong): Usual {
  const user = wordOf(fields, 'user', path, wrong) ?? usual.user;
  const jump = wordOf(fields, 'jump', path, wrong) ?? usual.jump;
  if (fields['jump'] !== undefined) checked(() => parseJumps(jump!), [...path, 'jump'], wrong);
  const port = fields['port'] ?? usual.port;
  if (port !== undefined && !(Number.isInteger(port) && Number(port) >= 1 && Number(port) <= 65535))
    throw wrong([...path, 'port'], 'port is a number from 1 to 65535.');
  return {
    ...(user === undefined ? {} : {user}),
    ...(port === undefined ? {} : {port: Number(port)}),
    ...(jump === undefined ? {} : {jump}),
  };
}

/** A mistake in a target or a jump host, which has its own sentence. */
function checked<T>(read: () => T, path: Path, wrong: Wrong): T {
  try {
    return read();
  } catch (error) {
    throw wrong(path, error instanceof Error ? error.message : String(error));
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fieldsOf(value: unknown, path: Path, wrong: Wrong): Fields {
  if (isFields(value)) return value;
  throw wrong(path, `${path.at(-1) === 'groups' ? 'groups' : 'a node'} is a mapping. ${SHAPE}`);
}

function listOf(value: unknown, path: Path, wrong: Wrong): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw wrong(path, `a list of nodes is expected. ${SHAPE}`);
}

function wordOf(fields: Fields, key: string, path: Path, wrong: Wrong): string | undefined {
  const value = fields[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string' && value.trim() !== '') return value.trim();
  if (typeof value === 'number') return String(value);
  throw wrong([...path, key], `${key} is a word.`);
}

function only(fields: Fields, known: readonly string[], path: Path, wrong: Wrong): void {
  const strange = Object.keys(fields).find(key => !known.includes(key));
  if (strange === undefined) return;
  const name = strange.length > 40 ? `${strange.slice(0, 40)}…` : strange;
  throw wrong([...path, strange], `“${name}” is not known here; it may have ${known.join(', ')}.`);
}
