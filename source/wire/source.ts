/**
 * The port through which everything outside reaches hoptop. Only bytes cross it.
 *
 * A `Source` is asked for reads and answers with replies and node events; it is implemented over SSH, on this
 * machine, and by a recording. A failed command is a `Reply` with its exit status; a lost connection is a
 * `NodeEvent` with its cause. Nothing above this room runs a command or opens a file.
 */

/**
 * Where a read happens: once for the node, once in every network namespace of it, or only in those listed.
 * A namespace is named by the inode of its nsfs file (`stat -L /proc/PID/ns/net`), as decimal text; `host` stands for
 * that of the node itself, whose inode is not known at first, and `inside` for all others.
 */
export type Scope = 'node' | 'each-netns' | {readonly netns: readonly string[]};

/**
 * What runs on a node for one kind of fact. A reader is data: it is printed by `hoptop commands`, and the
 * adapters derive shell, privilege, namespace entry and limits from it.
 */
export type Reader = {
  /** Name and version of what the bytes look like, e.g. `ss@1`. A parser accepts every version it ever had. */
  readonly name: string;
  /** The fact that the bytes hold, e.g. `sockets`. */
  readonly fact: string;
  readonly scope: 'node' | 'each-netns';
  /**
   * A POSIX shell command. Constant text: nothing that came from a node is ever put into it. In scope `node` it may
   * use `$hop_pids`, one process id for each network namespace (space separated), e.g. for `/proc/PID/net/dev`.
   * In scope `each-netns` it is one simple command (no pipes, no quotes within quotes): it is entered with `nsenter`.
   */
  readonly command: string;
  /** Fed to the command's standard input (scope `each-netns` only), e.g. the lines of an `ip -batch`. */
  readonly stdin?: string;
  /**
   * What it shows rarely changes as long as nothing moves in the namespace (scope `each-netns` only): the kernel's own
   * counts of sockets, segments and datagrams (`/proc/PID/net/sockstat`, `snmp`) stand. The node compares them itself,
   * and where they stand, runs nothing and says so (`Reply.same`). What changes without any count (one listener
   * closed, another opened) is for the caller to notice, who then asks for it with `Read.fresh`.
   */
  readonly quiet?: true;
  /**
   * Bound of its open files (scope `each-netns` only), for a tool that looks at more than it is asked for when it can.
   * Where it fails so, it runs once more without.
   */
  readonly files?: number;
  /** The program without which it cannot run, where that is not the first word of `command`. */
  readonly tool?: string;
  /**
   * It enters no namespace, but reads files by way of a process that is in it (scope `each-netns` only): `command` is
   * shell text that may use `$hop_net`, that process's `/proc/PID/net`, and `$hop_sys`, the `/sys/class/net` of its root.
   * Only a namespace that a mount alone keeps is entered.
   */
  readonly proc?: true;
  /**
   * More commands (scope `each-netns` only), each entered, where its program is there. What each prints stands behind a
   * line `# COMMAND`; so does what `command` prints, unless it is `proc`.
   */
  readonly also?: readonly string[];
  /**
   * It runs only when it is asked something (scope `each-netns` only): each line of `Read.asked` must match `line`
   * whole, which lets nothing through but numbers, addresses and plain names, so no text of a node reaches a shell.
   * `stdin`: the lines are fed to the command, and stand before its answer with an empty line between; `argument`:
   * the one line is its last argument. `usage` is what a line looks like, for `hoptop commands`.
   */
  readonly asks?: {
    readonly as: 'stdin' | 'argument';
    readonly line: RegExp;
    readonly usage: string;
    /** Run instead where there is no such command (127): with the same argument. */
    readonly otherwise?: string;
  };
  /**
   * What it prints is finite by its nature: a few lines for each process, namespace or interface, from the kernel. Such
   * readers share one pipe, bounded by the sum of their limits, since a pipe of its own would cost the node more than
   * the reading. What goes beyond `limit` is cut all the same, but on this side.
   */
  readonly slight?: true;
  /**
   * Where the Kubernetes API tells it: lists that are asked for (GET, in pages) and watched, and the fields of each
   * object that are kept. `command` is what shows the same to a person.
   */
  readonly api?: {readonly paths: readonly string[]; readonly keep: Keep};
  /** One sentence: what it is read for. */
  readonly why: string;
  /** What an ordinary user does not see of it, in one sentence; absent when privilege changes nothing. */
  readonly withoutRoot?: string;
  /** What running it may cause on the node (e.g. a diagnostic module being loaded), in one sentence. */
  readonly touches?: string;
  /** Bound of the answer of all namespaces together, in bytes. */
  readonly limit: number;
  /** Bound of its running time, in seconds, for each namespace. */
  readonly timeout: number;
};

/** Fields of an object that are kept, each whole or in turn by its own fields; of a list, those of every element. */
export type Keep = true | {readonly [field: string]: Keep};

/**
 * In the place of a node's id in replies that are about the whole cluster: what its API says. No node can be called so,
 * and it is never among `Source.nodes`.
 */
export const CLUSTER = '(cluster)';

export type Read = {
  /** The node's id: the name it was given on the command line or in the inventory. */
  readonly node: string;
  readonly reader: Reader;
  readonly scope: Scope;
  /** With a reader that `asks`: what it is asked. */
  readonly asked?: readonly string[];
  /**
   * With a `quiet` reader: namespaces that are read even if nothing moved there, e.g. since a queue is not empty. With
   * an `api`: `all` where the answer is wanted though nothing changed since the last one.
   */
  readonly fresh?: readonly string[] | 'all';
};

export type Reply = {
  readonly node: string;
  readonly fact: string;
  readonly reader: string;
  /** Inode of the network namespace that was read; absent for what is read once a node. */
  readonly netns?: string;
  /** Number of the node's sweep, from 1, rising. Replies of one sweep belong to one moment. */
  readonly sweep: number;
  /** ISO 8601, by the clock of the machine hoptop runs on, when the reply was complete. */
  readonly at: string;
  /** Seconds the node had been up when the read ended (`/proc/uptime`): the clock for rates. */
  readonly uptime: number;
  /** How long it ran on the node, in milliseconds (10 ms steps: `/proc/uptime`). */
  readonly ms: number;
  /** Exit status; 124 or 143 when its time was up, 127 when there is no such tool. */
  readonly exit: number;
  readonly out: Uint8Array;
  /** The beginning of its standard error. */
  readonly err: string;
  /** Present when `out` was cut at the reader's limit. */
  readonly truncated?: true;
  /** Nothing moved in the namespace since it was read at this time (ISO 8601): `out` is from then, and stands. */
  readonly same?: string;
};

/** How a node is reached, as it changes. `step` is what it is busy with, in words for the screen. */
export type NodeEvent = {
  readonly node: string;
  readonly at: string;
  readonly state: 'dialling' | 'ready' | 'lost' | 'back';
  /**
   * Since when it is so: the steps of one dial are one wait, and a node that is dialled again and again has been lost
   * since the first time. `at` when absent.
   */
  readonly since?: string;
  /**
   * While dialling: `connecting`, `checking host key`, `authenticating`, `starting shell`, `waiting 3 s`. When ready, only
   * `PASTED_STEP`: nobody reached the node, its replies are what a person pasted.
   */
  readonly step?: string;
  /** When lost, and while dialling again: what happened and the next thing to try, in one or two sentences. */
  readonly cause?: string;
  /** When ready or back: the user id that reads run as there; any but 0 sees less (`Reader.withoutRoot`). */
  readonly uid?: number;
  /** When ready or back: what the person has to know about the way there, as long as it is used. */
  readonly warning?: string;
  /** When ready or back: what to know about reading this node, in one sentence. */
  readonly note?: string;
  /** What Kubernetes calls it, by the person's own inventory. */
  readonly kubernetes?: string;
};

export const PASTED_STEP = 'pasted';

/** The last event of a node's sweep: every reply of that sweep has been delivered. */
export type Swept = {
  readonly node: string;
  readonly swept: number;
  readonly at: string;
  readonly uptime: number;
  /** What the sweep cost the node, in seconds of CPU (user and system, shell and children: `times`). */
  readonly cpu: number;
  /** From request to last byte, milliseconds, by our clock. */
  readonly wall: number;
  /** Bytes received for this sweep. */
  readonly bytes: number;
  /** Round trips that this sweep took. */
  readonly trips: number;
};

export type SourceEvent =
  | ({readonly type: 'reply'} & Reply)
  | ({readonly type: 'node'} & NodeEvent)
  | ({readonly type: 'swept'} & Swept);

/**
 * Many reads go through one channel per node. `sweep` starts one sweep on every node named in `reads` and ends when
 * all of them have been answered or lost; a slow or lost node does not hold back the events of the others.
 */
export type Source = {
  /** Ids of the nodes it can be asked about, in the order they were given. */
  readonly nodes: readonly string[];
  /** It can be asked about `CLUSTER` as well. */
  readonly cluster?: true;
  sweep(reads: readonly Read[], signal: AbortSignal): AsyncIterable<SourceEvent>;
  /**
   * How nodes are reached, as it happens, also between sweeps: dialling steps, ready, lost, back. Begins with the
   * present state of every node; ends with the signal or `close`. A sweep does not repeat these events.
   */
  events(signal: AbortSignal): AsyncIterable<{readonly type: 'node'} & NodeEvent>;
  /** Dials lost nodes, or the one named, now: also those that waiting does not mend, once their cause was mended by hand. */
  redial?(node?: string): void;
  close(): Promise<void>;
};
