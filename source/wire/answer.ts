import type {FrameSink} from './frames.ts';
import {wanted} from './script.ts';
import type {Read, Reply} from './source.ts';

/** Bytes kept of the standard error of one command. */
const errLimit = 2048;
/** Bytes kept of what the node says about itself: its namespaces, `times`. */
const textLimit = 8 << 20;
/** What a shell reports of a process that wrote to a pipe nobody reads: 128 + SIGPIPE. */
const cutExit = 141;

export type Summary = {
  readonly uptime: number;
  /** Seconds of CPU since the session began, as `times` says: shell and children, user and system. */
  readonly cpu: number;
};

type Half = {exit: number; from: number; until: number; body: Uint8Array[]; cut: boolean};

type ReadState = {
  readonly read: Read;
  room: number;
  readonly outs: Map<string, Half>;
  readonly errs: Map<string, string>;
  /** Namespaces where nothing moved, with the uptime at which that was seen. */
  readonly still: Map<string, number>;
  /** Standard error of the frame that was never closed. */
  rest: string;
  /** The frame that was open when the read ended. */
  torn?: string;
  outDone: boolean;
  errDone: boolean;
};

export type Answer = {
  readonly out: FrameSink;
  readonly err: FrameSink;
};

/**
 * Puts the frames of one sweep together. A read's replies are handed over when the node has said that it is done with
 * it; what was read in namespaces, when the node has looked again at the end of the sweep whether the processes it
 * entered them through are still the same ones.
 * Never throws, whatever the frames are; frames that make no sense are passed over.
 */
export function createAnswer(
  node: string,
  sweep: number,
  reads: readonly Read[],
  now: () => number,
  standing: (fact: string, netns: string) => Reply | undefined,
  take: (reply: Reply) => void,
  done: (summary: Summary) => void,
): Answer {
  const states = reads.map(
    (read): ReadState => ({
      read,
      room: read.reader.limit,
      outs: new Map(),
      errs: new Map(),
      still: new Map(),
      rest: '',
      outDone: false,
      errDone: false,
    }),
  );
  const spaces: Spaces = {host: '', paths: new Map()};
  let checked = false;
  const pick = (word: string | undefined) => states[/^\d{1,6}$/.test(word ?? '') ? Number(word) : -1];

  let open: {state: ReadState; netns: string; half: Half} | undefined;
  let text: Uint8Array[] = [];
  let textSize = 0;
  let onText: ((text: string) => void) | undefined;
  let summary: Summary = {uptime: 0, cpu: 0};
  let ends = 0;
  const end = () => {
    ends += 1;
    if (ends === 2) done(summary);
  };

  const closeText = () => {
    onText?.(Buffer.concat(text).toString('latin1'));
    onText = undefined;
    text = [];
    textSize = 0;
  };
  const finish = (state: ReadState) => {
    if (!state.outDone || !state.errDone || (state.read.reader.scope !== 'node' && !checked)) return;
    const at = new Date(now()).toISOString();
    for (const reply of replies(node, sweep, state, spaces, at, standing)) take(reply);
    state.outs.clear();
    state.errs.clear();
    state.still.clear();
  };

  const out: FrameSink = {
    body(bytes) {
      if (open) {
        const {state, half} = open;
        const fits = bytes.subarray(0, Math.max(0, state.room));
        if (fits.length > 0) half.body.push(fits);
        if (fits.length < bytes.length) half.cut = true;
        state.room -= fits.length;
      } else if (onText && textSize + bytes.length <= textLimit) {
        text.push(bytes);
        textSize += bytes.length;
      }
    },
    mark(words) {
      closeText();
      const [kind, first, second, third] = words;
      if (kind === 'E') {
        if (!open) return;
        open.half.exit = status(first);
        open.half.from = seconds(second);
        open.half.until = seconds(third);
        open = undefined;
        return;
      }
      if (open) {
        open.state.torn = open.netns;
        open = undefined;
      }
      const state = pick(first);
      // The node is not trusted with more than a name for a namespace: what it says there comes back in requests.
      if ((kind === 'B' || kind === 'S') && !/^(-|\d{1,20})$/.test(second ?? '')) return;
      if (kind === 'B' && state && !state.outDone && !state.outs.has(second ?? '')) {
        const half: Half = {exit: cutExit, from: 0, until: 0, body: [], cut: false};
        state.outs.set(second ?? '', half);
        open = {state, netns: second ?? '', half};
      } else if (kind === 'S' && state && !state.outDone) {
        state.still.set(second ?? '', seconds(third));
      } else if (kind === 'V') {
        onText = said => {
          spaces.after = new Map();
          pathsOf(said, spaces.after);
        };
      } else if (kind === 'D' && state && !state.outDone) {
        state.outDone = true;
        finish(state);
      } else if (kind === 'N') {
        onText = said => {
          spaces.host = said.slice(0, Math.max(0, said.indexOf('\n')));
          pathsOf(said.slice(spaces.host.length + 1), spaces.paths);
        };
      } else if (kind === 'T' && Number(first) === sweep) {
        checked = true;
        for (const each of states) if (each.read.reader.scope !== 'node') finish(each);
        onText = said => {
          summary = {uptime: seconds(second), cpu: cpuOf(said)};
        };
      } else if (kind === 'Z' && Number(first) === sweep) end();
    },
  };

  let complaint = '';
  const err: FrameSink = {
    body(bytes) {
      if (complaint.length < errLimit)
        complaint += Buffer.from(bytes.subarray(0, errLimit - complaint.length)).toString('latin1');
    },
    mark(words) {
      const said = Buffer.from(complaint, 'latin1').toString('utf8');
      complaint = '';
      const [kind, first, second] = words;
      const state = pick(first);
      if (kind === 'e' && state && !state.errDone) state.errs.set(second ?? '', said);
      else if (kind === 'd' && state && !state.errDone) {
        state.rest = said;
        state.errDone = true;
        finish(state);
      } else if (kind === 'z' && Number(first) === sweep) end();
    },
  };
  return {out, err};
}

/** `times` prints `0m0.010000s 0m0.020000s` for the shell, then for its children (POSIX, `times`). */
export function cpuOf(text: string): number {
  let sum = 0;
  for (const [, minutes, rest] of text.matchAll(/(\d{1,9})m(\d{1,9}(?:[.,]\d{1,9})?)s/g))
    sum += Number(minutes) * 60 + Number(rest!.replace(',', '.'));
  return sum;
}

function seconds(word: string | undefined): number {
  return /^\d{1,12}(\.\d{1,6})?$/.test(word ?? '') ? Number(word) : 0;
}

function status(word: string | undefined): number {
  return /^\d{1,3}$/.test(word ?? '') ? Number(word) : 1;
}

/** Lines `inode path`. */
function pathsOf(text: string, into: Map<string, string>): void {
  for (const line of text.split('\n')) {
    const gap = line.indexOf(' ');
    if (gap > 0 && /^\d{1,20}$/.test(line.slice(0, gap))) into.set(line.slice(0, gap), line.slice(gap + 1));
  }
}

/** A node's namespaces: the inode of its own, and the path that each other one was entered through. */
type Spaces = {
  host: string;
  readonly paths: Map<string, string>;
  /** As they were at the end of the sweep; present when they had changed. */
  after?: Map<string, string>;
};

function* replies(
  node: string,
  sweep: number,
  state: ReadState,
  spaces: Spaces,
  at: string,
  standing: (fact: string, netns: string) => Reply | undefined,
): Generator<Reply> {
  const {read} = state;
  const {after} = spaces;
  const {reader} = read;
  const name = {node, fact: reader.fact, reader: reader.name, sweep, at};
  /** The process that a namespace was entered through was gone, or another one, when the loop ended. */
  const entersOther = (netns: string) => {
    const path = spaces.paths.get(netns);
    return (
      after !== undefined && netns !== spaces.host && path !== undefined && pathOf(after, path) !== netns
    );
  };
  let uptime = 0;
  let cut = false;
  for (const [netns, half] of state.outs) {
    const torn = state.torn === netns;
    const full = half.cut || (torn && state.room <= 0);
    cut ||= full || torn;
    uptime = half.until || uptime;
    const ms = Math.max(0, Math.round((half.until - half.from) * 1000));
    const where = netns !== '' && netns !== '-' ? {netns} : {};
    const notes: string[] = [];
    const path = spaces.paths.get(netns);
    const moved = entersOther(netns);
    if (moved)
      notes.push(
        `Discarded: ${path}, through which this network namespace was read, was gone or another one afterwards.`,
      );
    else if (torn && !full) notes.push(`The shell on ${node} that ran this ended before the command did.`);
    if ([124, 137, 143].includes(half.exit) && ms >= reader.timeout * 1000)
      notes.push(`Stopped after ${(ms / 1000).toFixed(1)} s: ${reader.name} is given ${reader.timeout} s.`);
    if (reader.scope === 'each-netns' && spaces.host === '')
      notes.push(
        `The network namespaces of ${node} could not be listed: that takes \`stat\` and \`awk\` there.`,
      );
    yield {
      ...name,
      ...where,
      uptime,
      ms,
      exit: moved && half.exit === 0 ? 1 : half.exit,
      out: moved ? new Uint8Array() : joined(half.body),
      err: [torn ? state.rest : (state.errs.get(netns) ?? ''), ...notes]
        .filter(said => said !== '')
        .join('\n'),
      ...(full ? {truncated: true as const} : {}),
    };
  }
  const blank = {...name, uptime, ms: 0, out: new Uint8Array()};
  for (const [netns, until] of state.still) {
    const stood = standing(reader.fact, netns);
    if (stood && !entersOther(netns))
      yield {...stood, sweep, at, uptime: until, ms: 0, same: stood.same ?? stood.at};
    else yield {...blank, netns, exit: 1, err: `What ${reader.name} said there before is not held any more.`};
  }
  const named = wanted(read)?.flatMap(netns =>
    netns === 'host' ? [spaces.host] : netns === 'inside' ? [...spaces.paths.keys()] : [netns],
  );
  const asked = named ?? (reader.scope === 'node' ? [] : [spaces.host, ...spaces.paths.keys()]);
  for (const netns of asked) {
    if (netns === '' || state.outs.has(netns) || state.still.has(netns)) continue;
    if (netns !== spaces.host && !spaces.paths.has(netns))
      yield {...blank, netns, exit: 1, err: `There is no network namespace ${netns} on ${node} any more.`};
    else
      yield {
        ...blank,
        netns,
        exit: cutExit,
        err: `Not read: the namespaces before it used up the ${reader.limit} bytes that ${reader.name} is given.`,
        ...(cut ? {truncated: true as const} : {}),
      };
  }
  if (reader.scope === 'node' && state.outs.size === 0)
    yield {...blank, exit: cutExit, err: `${node} answered nothing to ${reader.name}. ${state.rest}`.trim()};
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function pathOf(spaces: ReadonlyMap<string, string>, path: string): string | undefined {
  for (const [inode, at] of spaces) if (at === path) return inode;
  return undefined;
}
