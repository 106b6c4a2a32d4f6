import type {Reader, Reply} from '../wire/source.ts';
import type {Gap} from './evidence.ts';
import type {NetnsFacts, Snapshot} from './snapshot.ts';

/**
 * When a fact is read again: on every sweep; when the namespace's fingerprint changed (and every `backstop` sweeps
 * all the same); or once for as long as the node keeps its boot.
 */
export type Cadence =
  | {readonly when: 'sweep'}
  | {readonly when: 'change'; readonly backstop: number}
  | {readonly when: 'once'}
  /** Never by itself: a question asks for it, with what it is to be asked. */
  | {readonly when: 'asked'};

/** What one reply contributes to its node's next snapshot. */
export type Contribution = {
  readonly node?: Partial<Snapshot>;
  /** By namespace inode. */
  readonly netns?: ReadonlyMap<string, Partial<NetnsFacts>>;
  readonly gaps?: readonly Gap[];
};

/** What a text begins with, for telling its format. */
export type Sample = {
  /** Its first lines that are not empty. */
  readonly lines: readonly string[];
  readonly out: Uint8Array;
  /** The command that printed it, where that is known. */
  readonly command?: string;
};

/**
 * Bytes that the fact can be made of though its reader does not print them: what a person pastes, what a node without
 * iproute2 has. `name` is in a reader's place in replies and chooses the parser.
 */
export type Format = {
  readonly name: string;
  /** As a person would say it: `netstat -antup`. */
  readonly label: string;
  /** Never throws, whatever the bytes. */
  looks(sample: Sample): boolean;
  redact(out: Uint8Array): Uint8Array;
};

/** Another way to read a fact, for nodes where what stands before it cannot be. */
export type Fallback = {
  readonly reader: Reader;
  /** What it does not tell, as the end of a sentence; absent where nothing is lost. */
  readonly loses?: string;
};

/** One kind of fact: how it is read, understood and kept free of secrets. `catalogue.ts` lists them all. */
export type Fact = {
  readonly name: string;
  readonly reader: Reader;
  /** Other readers of the same scope, best first: the next one is taken on a node where those before cannot be. */
  readonly otherwise?: readonly Fallback[];
  /** Why a reply shows that its reader is of no use on that node, though it ended well; see `fallbacks.ts`. */
  unfit?(reply: Reply): string | undefined;
  readonly cadence: Cadence;
  /**
   * Text that, when it changes from one sweep to the next, makes a fact of cadence `change` due: what the other facts
   * show of the same thing (a process in a container that no sandbox read so far names).
   */
  dueWhen?(soFar: Snapshot): string;
  /** With a `quiet` reader: namespaces to read even if no count moved there. `before` is the sweep before the last. */
  fresh?(soFar: Snapshot, before: Snapshot | undefined): readonly string[];
  /**
   * For a fact whose namespaces make one table (sockets): called once at the end of a sweep with the newest reply of
   * every living namespace, instead of `contribute` for each.
   */
  collect?(replies: readonly Reply[], soFar: Snapshot): Contribution;
  /** Parses one reply. `soFar` is the snapshot being built, e.g. to know which pid stands for which namespace. */
  contribute(reply: Reply, soFar: Snapshot): Contribution;
  /** Other formats than its reader's. */
  readonly formats?: readonly Format[];
  /** Takes secrets out of `out` before it is written anywhere; what is left parses the same. */
  redact(out: Uint8Array): Uint8Array;
};
