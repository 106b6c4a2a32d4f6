import type {Reply} from '../wire/source.ts';
import type {Gap} from './evidence.ts';
import {PASTED} from './pieces.ts';
import type {Dated, Snapshot} from './snapshot.ts';
import {sanitise} from './text.ts';

/** The tool that a reader runs, as far as its ways of failing matter. */
export type Tool = {
  readonly name: string;
  /** Debian's package that holds it. */
  readonly package?: string;
  /** Exit statuses that are no failure, e.g. 1 of `grep` and `find` where files vanish while they are read. */
  readonly fine?: readonly number[];
};

/** What the words of a refusal depend on: who asked, and what an ordinary user misses. */
export type Asker = {readonly soFar: Snapshot; readonly withoutRoot?: string | undefined};

/** What an ordinary user does not see where /proc is mounted with `hidepid` (proc(5)); elsewhere everyone sees it. */
export function hiddenFrom({identity}: Snapshot): string | undefined {
  return identity?.value.hidden
    ? '/proc is mounted with hidepid: only their own processes are shown to users.'
    : undefined;
}

export const AS_ROOT =
  'Read as root: log in as root, or as a user who may run `sudo -n` or `doas -n` (`hoptop access` prints the lines).';

/** Marks a value with the moment of its reply. */
export function dated<T>(reply: Reply, value: T): Dated<T> {
  return {sweep: reply.sweep, at: reply.at, uptime: reply.uptime, value};
}

/**
 * Says as gaps how a read fell short: a missing tool, a refusal, a time limit, an answer that was cut, and each
 * `problem` of the parser. Exit statuses as in `sh` and `timeout(1)`: 124, 137 and 143 time was up, 126 could not
 * be run, 127 no such tool. Many tools keep silent about what an ordinary user may not see, so with an `asker` who
 * is not root the reader's own sentence is a gap as well.
 */
export function gapsOf(reply: Reply, tool: Tool, problems: readonly string[], asker?: Asker): Gap[] {
  const gaps: Gap[] = [];
  const where = reply.netns === undefined ? reply.node : `${reply.node}, namespace ${reply.netns}`;
  const add = (reason: string, reveal?: string) => {
    gaps.push({
      node: reply.node,
      fact: reply.fact,
      ...(reply.netns !== undefined && {netns: reply.netns}),
      reason,
      ...(reveal !== undefined && {reveal}),
    });
  };
  if (reply.reader === PASTED) {
    for (const problem of few(problems)) add(`In what was pasted of ${where}, ${problem}`);
    return gaps;
  }
  const said = complaint(reply.err);
  const uid = asker?.soFar.identity?.value.uid;
  const byRoot =
    uid === 0
      ? 'It was root who asked: see what confines it there (a container, a security module).'
      : AS_ROOT;
  const refused = /permission denied|not permitted/i.exec(reply.err);
  if ((reply.exit === 127 || reply.exit === 126) && noEntry(reply.err)) {
    add(
      `nsenter, by which namespaces are entered, is not installed on node ${where}.`,
      `Install util-linux on ${reply.node}.`,
    );
  } else if (reply.exit === 127) {
    const install = tool.package === undefined ? `Install ${tool.name}` : `Install ${tool.package}`;
    add(`${tool.name} is not installed on node ${where}.`, `${install} on ${reply.node}.`);
  } else if (reply.exit === 126) {
    add(`${tool.name} could not be run on node ${where}${said}.`, byRoot);
  } else if (reply.exit === 124 || reply.exit === 137 || reply.exit === 143) {
    add(
      `${tool.name} was stopped on node ${where}: its time was up.`,
      'Read again when the node is less busy; `hoptop commands` shows the limit.',
    );
  } else if (reply.exit !== 0 && reply.out.length === 0 && unknownWord(reply.err) !== undefined) {
    add(
      `${tool.name} on node ${where} does not know what it is asked: ${unknownWord(reply.err)}.`,
      tool.package === undefined ? undefined : `Install ${tool.package} on ${reply.node}.`,
    );
  } else if (refused) {
    add(`${tool.name} was refused some of what it asked for on node ${where}${said}.`, byRoot);
  } else if (reply.exit !== 0 && !(tool.fine ?? []).includes(reply.exit)) {
    add(
      `${tool.name} ended with status ${reply.exit} on node ${where}${said}.`,
      `Run the command of \`${reply.fact}\` (\`hoptop commands\`) on ${reply.node} by hand.`,
    );
  }
  if (asker?.withoutRoot !== undefined && uid !== undefined && uid !== 0) {
    add(`Read without root on node ${where}: ${asker.withoutRoot}`, AS_ROOT);
  }
  if (reply.truncated) {
    add(
      `The answer of ${tool.name} on node ${where} was cut after ${reply.out.length} bytes: the rest is not shown.`,
      'Ask for fewer namespaces at once.',
    );
  }
  for (const problem of few(problems)) {
    add(`${tool.name} on node ${where}: ${problem}`, `Look at the raw answer of \`${reply.fact}\`.`);
  }
  return gaps;
}

/** So many sentences about one answer a person can still be told of. */
const MOST = 20;

/** A broken or hostile answer can be wrong in each of its lines: the first of them are said, and that there are more. */
function few(problems: readonly string[]): readonly string[] {
  if (problems.length <= MOST) return problems;
  return [...problems.slice(0, MOST), 'more such parts were not understood.'];
}

/** What shells say of a way into namespaces that is not there; nsenter itself says that it failed to execute a tool. */
export function noEntry(err: string): boolean {
  return /\bnsenter: (?:command |inaccessible or )?not found/.test(err);
}

/** What tools say of an option, or a word, that they do not know: iproute2, getopt(3), busybox. */
const UNKNOWN =
  /Option "[^"]*" is unknown|(?:invalid|unknown|unrecognized) option|^\S+: unrecognized: |invalid argument '|^Usage: /;

/** The line in which a tool says that it does not know what it is asked, without controls; undefined when it does not say so. */
export function unknownWord(err: string): string | undefined {
  const line = err.split('\n').find(text => UNKNOWN.test(text));
  return line === undefined ? undefined : sanitise(line).trim().slice(0, 120).replace(/\.$/, '');
}

/** The first line of a tool's standard error that is not about a process or a file that is gone, without controls. */
function complaint(err: string): string {
  const line = err.split('\n').find(text => text.trim() !== '' && !/No such (file|process)/.test(text));
  if (line === undefined) return '';
  return `: ${sanitise(line).trim().slice(0, 200).replace(/\.$/, '')}`;
}
