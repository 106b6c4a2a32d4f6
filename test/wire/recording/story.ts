/** Made-up events for tests, and files to keep them in. */
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import fc from 'fast-check';
import {createRecorder, type RecorderOptions} from '../../../source/wire/recorder.ts';
import type {Read, SourceEvent} from '../../../source/wire/source.ts';

export const start = Date.parse('2026-03-01T10:00:00.000Z');
export const at = (ms: number) => new Date(start + ms).toISOString();

export type Told = {readonly event: SourceEvent; readonly reads: readonly Read[]};

const reader = {
  fact: 'sockets',
  name: 'ss@1',
  scope: 'each-netns',
  command: 'ss',
  why: 'a test',
  limit: 1,
  timeout: 1,
};
/** Asks every namespace of the node. */
export const everywhere = (node: string): Read => ({
  node,
  reader: reader as Read['reader'],
  scope: 'each-netns',
});

export function reply(
  node: string,
  netns: string | undefined,
  text: string,
  more: Partial<SourceEvent> = {},
): SourceEvent {
  return {
    ...{type: 'reply', node, fact: 'sockets', reader: 'ss@1'},
    ...(netns === undefined ? {} : {netns}),
    ...{sweep: 1, at: at(0), uptime: 12.34, ms: 10, exit: 0, out: Buffer.from(text), err: ''},
    ...more,
  } as SourceEvent;
}

export function swept(node: string, sweep: number, ms: number): SourceEvent {
  const cost = {cpu: 0.125, wall: 431.25, bytes: 1000, trips: 1};
  return {
    type: 'swept',
    node,
    swept: sweep,
    at: at(ms),
    uptime: (10_000 + Math.round(ms / 10)) / 100,
    ...cost,
  };
}

/** Some seconds or minutes in the life of two nodes whose namespaces have the same inodes. */
export const stories = fc
  .array(
    fc.record({
      wait: fc.oneof(fc.integer({min: 0, max: 30}), fc.integer({min: 0, max: 9000})),
      node: fc.constantFrom('a', 'b'),
      kind: fc.constantFrom('reply', 'reply', 'reply', 'reply', 'swept', 'node'),
      fact: fc.constantFrom('sockets', 'links'),
      netns: fc.constantFrom(undefined, '4026532001', '4026532002', '4026532003'),
      out: fc.oneof(fc.constantFrom('', 'the same'), fc.string(), fc.uint8Array()),
      err: fc.constantFrom('', '', 'Failed to find cgroup2 mount\n'),
      exit: fc.constantFrom(0, 1, 127),
      truncated: fc.boolean(),
      state: fc.constantFrom('dialling', 'ready', 'lost', 'back'),
      words: fc.option(fc.string(), {nil: undefined}),
      all: fc.boolean(),
    }),
    {maxLength: 80},
  )
  .map(steps => {
    let now = 0;
    const sweeps = new Map<string, number>();
    return steps.map((step): Told => {
      now += step.wait;
      const {node} = step;
      const sweep = (sweeps.get(node) ?? 0) + 1;
      const reads = step.all ? [everywhere(node)] : [];
      if (step.kind === 'swept') {
        sweeps.set(node, sweep);
        return {event: swept(node, sweep, now), reads};
      }
      if (step.kind === 'node') {
        const {state, words} = step;
        const more = words === undefined ? {} : state === 'lost' ? {cause: words} : {step: words};
        return {event: {type: 'node', node, at: at(now), state, ...more} as SourceEvent, reads};
      }
      const {fact, netns, out, err, exit} = step;
      const more = {fact, sweep, at: at(now), err, exit, ...(step.truncated ? {truncated: true} : {})};
      const bytes = Buffer.from(out as string);
      return {event: reply(node, netns, '', {...more, out: bytes} as Partial<SourceEvent>), reads};
    });
  });

/** The file's own directory; `done` removes it. */
export function scratch() {
  const directory = mkdtempSync(join(tmpdir(), 'hoptop-recording-'));
  let files = 0;
  return {
    directory,
    file: () => join(directory, `${++files}.hop`),
    done: () => rmSync(directory, {recursive: true}),
  };
}

export const options: RecorderOptions = {
  redact: (_, out) => out,
  redactText: text => text,
  label: 'a test',
  nodes: ['a', 'b'],
  version: '0.1.0',
  clock: () => start,
  failed: sentence => {
    throw new Error(sentence);
  },
};

export async function write(file: string, story: readonly Told[], more: Partial<RecorderOptions> = {}) {
  const recorder = createRecorder(file, {...options, ...more});
  for (const {event, reads} of story) recorder.append(event, reads);
  await recorder.close();
}
