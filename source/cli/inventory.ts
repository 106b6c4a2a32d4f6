import {readFile} from 'node:fs/promises';
import * as v from 'valibot';
import {parse} from 'yaml';
import {UsageError} from '../options.ts';
import {hostOf, type Target} from './targets.ts';

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

/** The nodes that a YAML file lists. Throws `UsageError` naming what is wrong with it, and where. */
export async function readInventory(file: string): Promise<Target[]> {
  let data: unknown;
  try {
    data = parse(await readFile(file, 'utf8'), {logLevel: 'error', uniqueKeys: false});
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
