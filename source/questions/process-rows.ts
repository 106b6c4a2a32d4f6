import * as v from 'valibot';
import type {Proc} from '../model/graph.ts';
import {asOf} from '../model/unread.ts';
import {processWords} from './names.ts';
import {count, Evidence, list, maybe, Tally, text} from './schema.ts';
import {processTally} from './socket-select.ts';

export const ProcessRow = v.object({
  words: text('What `hoptop process` takes.'),
  node: text('Node, by name.'),
  asOf: maybe.text('Moment it was read, when its node is not reached now.'),
  pid: count('Process id.'),
  ppid: count('Parent’s process id.'),
  user: text('User it runs as.'),
  start: text('When it started, by its node’s clock.'),
  age: maybe.count('Seconds it had run when it was read, by its node’s uptime.'),
  state: text('As ps prints it.'),
  name: text('Short name of the executable.'),
  command: text('Command line.'),
  netns: maybe.text('Inode of its network namespace.'),
  place: v.optional(v.picklist(['host', 'pod', 'other'])),
  pod: maybe.text('Pod it is in.'),
  container: maybe.text('Container it is in; absent for a pod’s sandbox process.'),
  sockets: v.optional(Tally),
  evidence: list(Evidence),
});
export type ProcessRow = v.InferOutput<typeof ProcessRow>;

export function processRow(proc: Proc): ProcessRow {
  const {node, process, netns} = proc;
  return {
    words: processWords(proc),
    node: node.name,
    asOf: asOf(node),
    pid: process.pid,
    ppid: process.ppid,
    user: process.user,
    start: process.start,
    age: ageOf(proc),
    state: process.state,
    name: process.name,
    command: process.command,
    netns: netns?.inode,
    place: netns?.kind,
    pod: proc.pod?.key,
    container: proc.container?.name,
    sockets: processTally(proc),
    evidence: [
      {
        node: node.id,
        fact: 'processes',
        sweep: node.snapshot?.processes?.sweep ?? 0,
        from: process.from,
        to: process.to,
      },
    ],
  };
}

/** Counted in the node's uptime from end to end, so that no clock is asked. */
function ageOf({node, process}: Proc): number | undefined {
  const {processes, identity} = node.snapshot ?? {};
  // What was pasted tells no uptime.
  if (!processes || !(processes.uptime > 0)) return undefined;
  const sinceBoot = /^boot\+(\d+\.\d+)$/.exec(process.start)?.[1];
  const boot = identity?.value.bootTime;
  const started =
    sinceBoot !== undefined
      ? Number(sinceBoot)
      : boot === undefined
        ? Number.NaN
        : Date.parse(process.start) / 1000 - boot;
  const age = processes.uptime - started;
  return Number.isFinite(age) ? Math.max(0, age) : undefined;
}
