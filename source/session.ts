import type {Evidence} from './facts/evidence.ts';
import type {Answer} from './questions/answer.ts';
import type {Question} from './questions/question.ts';
import type {Prompt} from './wire/prompt.ts';
import type {NodeEvent} from './wire/source.ts';

/** What the UI knows of a node between answers: for the header and the screen shown while nodes are reached. */
export type NodeStatus = {
  readonly id: string;
  /** The node's own hostname once known, else its id. */
  readonly name: string;
  readonly state: NodeEvent['state'];
  readonly step?: string;
  readonly cause?: string;
  /** What the person has to know about the way there, e.g. that nobody checked its host key. */
  readonly warning?: string;
  /** When it entered this state. */
  readonly since: string;
  /** Sweeps completed; 0 means nothing has been read of it yet. */
  readonly sweep: number;
  /** Moment of its newest data. */
  readonly at?: string;
  /** Round trip of the last sweep and its CPU on the node. */
  readonly wall?: number;
  readonly cpu?: number;
};

export type PlayerStatus = {
  readonly from: string;
  readonly to: string;
  readonly at: string;
  readonly speed: number;
  readonly playing: boolean;
  readonly events: readonly {readonly at: string; readonly text: string}[];
};

export type Status = {
  /** e.g. `ssh`, `this machine`, `demo.hop`. */
  readonly source: string;
  readonly nodes: readonly NodeStatus[];
  /** How the Kubernetes API is reached; absent where it is not asked. */
  readonly api?: NodeStatus;
  /** Rises whenever an answer may have changed. */
  readonly generation: number;
  /** The moment "now" is for ages on screen: the clock when live, the playhead in a recording. */
  readonly now: string;
  /** Seconds between sweeps. */
  readonly every: number;
  readonly paused: boolean;
  readonly recording?: {readonly file: string; readonly bytes: number; readonly since: string};
  readonly player?: PlayerStatus;
  /** One sentence to show for a moment, e.g. that a recording was started. */
  readonly notice?: string;
};

export type Act =
  | {readonly do: 'refresh'}
  | {readonly do: 'pause'; readonly paused: boolean}
  | {readonly do: 'record'; readonly file: string}
  | {readonly do: 'stop-recording'}
  | {readonly do: 'play'; readonly playing: boolean}
  | {readonly do: 'seek'; readonly at: string}
  | {readonly do: 'step'; readonly by: number}
  | {readonly do: 'speed'; readonly speed: number}
  | {readonly do: 'answer-prompt'; readonly id: number; readonly value: string; readonly text?: string};

/** What a watched question brings: an answer, or the sentence that says why there is none, with near names. */
export type Outcome =
  | {readonly answer: Answer}
  | {readonly missing: string; readonly suggestions: readonly string[]; readonly wrong?: true};

/** One piece of evidence, as it is read: which node, command and moment, and the raw lines a statement stands on. */
export type EvidenceText = {
  /** Node, fact and time of reading, e.g. `worker-1, sockets, 12:03:04`. */
  readonly title: string;
  /** What ran on the node. */
  readonly command: string;
  /** The raw lines; one sentence in their place when the store has dropped them. */
  readonly lines: readonly string[];
};

/** The UI's whole outside world. The worker implements it across a thread; tests implement it in place. */
export type Session = {
  /** Calls `show` now or as soon as there is something, and again at every generation, until the returned stop. */
  watch(question: Question, show: (outcome: Outcome) => void): () => void;
  /** Calls `show` now and at every change. */
  status(show: (status: Status) => void): () => void;
  prompts(show: (prompt: Prompt | undefined) => void): () => void;
  /** Looks up what a row stands on. Calls `show` once, later, unless stopped before. */
  evidence(list: readonly Evidence[], show: (texts: readonly EvidenceText[]) => void): () => void;
  /**
   * What completes what was typed after `:`, best first; called again as names come and go. Each completion is a whole
   * line as it would be typed, e.g. `pods` or `pod shop/web-1`.
   */
  suggest(text: string, show: (completions: readonly string[]) => void): () => void;
  act(act: Act): void;
  close(): Promise<void>;
};
