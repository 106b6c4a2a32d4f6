import type {Span} from '../evidence.ts';
import {linesOf} from '../lines.ts';

/** One line of a file, as `grep -H` prints it, with its byte range in the reply. */
export type FileLine = Span & {readonly text: string};

/**
 * What `grep -sH '' FILE…` printed of one namespace's files, and what commands printed behind it, each after a line
 * `# COMMAND`. Files of `/proc/PID/net` go by their name; those of `/sys/class/net`, which may be seen through a
 * process's root, by interface and then by their name (`brport/isolated`).
 */
export type Files = {
  readonly net: ReadonlyMap<string, readonly FileLine[]>;
  readonly sys: ReadonlyMap<string, ReadonlyMap<string, readonly FileLine[]>>;
  readonly printed: readonly {readonly command: string; readonly from: number; readonly out: Uint8Array}[];
  /** Lines that are none of these. */
  readonly strange: readonly FileLine[];
};

const NET = /^\/proc\/(?:self|\d+)\/net\/(\w+):(.*)$/;
const SYS = /^(?:\/proc\/\d+\/root)?\/sys\/class\/net\/([^/]+)\/([^:]+):(.*)$/;
const COMMAND = /^# (\S.*)$/;

/** Never throws, whatever the bytes. */
export function filesIn(out: Uint8Array): Files {
  const net = new Map<string, FileLine[]>();
  const sys = new Map<string, Map<string, FileLine[]>>();
  const commands: {command: string; head: number; from: number}[] = [];
  const strange: FileLine[] = [];
  for (const line of linesOf(out)) {
    const command = COMMAND.exec(line.text)?.[1];
    if (command !== undefined) commands.push({command, head: line.from, from: line.to + 1});
    if (commands.length > 0) continue;
    const {from, to, text} = line;
    const inNet = NET.exec(text);
    const inSys = inNet ? null : SYS.exec(text);
    if (inNet) add(net, inNet[1]!, {from, to, text: inNet[2]!});
    else if (inSys) {
      const device = sys.get(inSys[1]!) ?? new Map<string, FileLine[]>();
      sys.set(inSys[1]!, device);
      add(device, inSys[2]!, {from, to, text: inSys[3]!});
    } else strange.push(line);
  }
  const printed = commands.map(({command, from}, i) => ({
    command,
    from,
    out: out.subarray(from, commands[i + 1]?.head ?? out.length),
  }));
  return {net, sys, printed, strange};
}

function add(files: Map<string, FileLine[]>, name: string, line: FileLine): void {
  const lines = files.get(name);
  if (lines) lines.push(line);
  else files.set(name, [line]);
}
