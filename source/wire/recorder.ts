import {apply, goneBy, nodeOf, type World} from './recording/world.ts';
import {blockSpan, createWriter} from './recording/writer.ts';
import type {Read, Reply, Source, SourceEvent} from './source.ts';

export type RecorderOptions = {
  /**
   * Takes secrets out of a reply's output; undefined for a fact it does not know, whose replies are then not written
   * at all. Facts own it. Should it throw, the reply is not written either.
   */
  readonly redact: (fact: string, out: Uint8Array, reader: string) => Uint8Array | undefined;
  /** The same for text: standard error, a lost node's cause, the label. */
  readonly redactText: (text: string) => string;
  readonly label: string;
  readonly nodes: readonly string[];
  /** Of hoptop. */
  readonly version: string;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** Told once, in a sentence, when writing fails (the disk is full). Recording has stopped then; nothing else has. */
  readonly failed: (sentence: string) => void;
};

export type Recorder = {
  /**
   * `reads` are those of the sweep that a `swept` completes: by them the recorder knows whether a namespace that is
   * silent was asked, and so is gone. Without them every namespace stands until it is read again.
   */
  append(event: SourceEvent, reads?: readonly Read[]): void;
  /** In the file so far. */
  bytes(): number;
  /** Replies not written because their fact has no redactor, by fact. */
  dropped(): ReadonlyMap<string, number>;
  close(): Promise<void>;
};

/**
 * Creates `file`, readable by its owner only. Throws `RecordingError` when it exists or cannot be created. What is
 * appended is in the file some two seconds later at the latest.
 */
export function createRecorder(file: string, options: RecorderOptions): Recorder {
  const {clock} = options;
  const text = (value: string) => redactOr(options.redactText, value);
  const now = new Date(clock());
  const writer = createWriter(
    file,
    {
      hoptop: options.version,
      created: now.toISOString(),
      utcOffset: 0 - now.getTimezoneOffset(),
      label: text(options.label),
      nodes: options.nodes,
    },
    options.failed,
  );
  const world: World = new Map();
  const dropped = new Map<string, number>();
  let line = 0;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  const redacted = (event: SourceEvent): SourceEvent | undefined => {
    if (event.type === 'swept') return event;
    if (event.type === 'node') {
      const {step, cause} = event;
      return {
        ...event,
        ...(step === undefined ? {} : {step: text(step)}),
        ...(cause === undefined ? {} : {cause: text(cause)}),
      };
    }
    const out = redactOut(options.redact, event);
    if (out !== undefined) return {...event, out, err: text(event.err)};
    dropped.set(event.fact, (dropped.get(event.fact) ?? 0) + 1);
    return undefined;
  };

  return {
    append: (event, reads = []) => {
      if (closed) return;
      const kept = redacted(event);
      if (kept === undefined) return;
      const at = Date.parse(kept.at);
      // A clock set back must not turn the time line around: until it has caught up, all happens at one moment.
      line = Math.max(line, Number.isNaN(at) ? clock() : at);
      const everywhere = reads.some(read => read.node === kept.node && read.scope === 'each-netns');
      const gone = kept.type === 'swept' && everywhere ? goneBy(nodeOf(world, kept.node)) : [];
      writer.append({time: line, event: kept, gone}, world);
      apply(world, kept, gone);
      timer ??= setTimeout(() => {
        timer = undefined;
        void writer.flush();
      }, blockSpan).unref();
    },
    bytes: writer.bytes,
    dropped: () => dropped,
    close: async () => {
      closed = true;
      clearTimeout(timer);
      await writer.close();
    },
  };
}

function redactOut(redact: RecorderOptions['redact'], {fact, out, reader}: Reply): Uint8Array | undefined {
  try {
    return redact(fact, out, reader);
  } catch {
    return undefined;
  }
}

// What could not be made safe is not written.
function redactOr(redactText: RecorderOptions['redactText'], value: string): string {
  try {
    return redactText(value);
  } catch {
    return '';
  }
}

/** The same source, with everything that passes through it appended to the recorder. */
export function record(source: Source, recorder: Recorder): Source {
  return {
    nodes: source.nodes,
    async *sweep(reads, signal) {
      for await (const event of source.sweep(reads, signal)) {
        recorder.append(event, reads);
        yield event;
      }
    },
    async *events(signal) {
      for await (const event of source.events(signal)) {
        recorder.append(event);
        yield event;
      }
    },
    close: () => source.close(),
  };
}
