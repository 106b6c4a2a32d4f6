import {readdirSync, readFileSync} from 'node:fs';
import type {Snapshot} from '../../source/facts/snapshot.ts';
import type {Reply} from '../../source/wire/source.ts';

const root = new URL('../fixtures/', import.meta.url);

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** A file of test/fixtures. */
export function fixture(path: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(path, root)));
}

export function fixtureNames(folder: string): string[] {
  return readdirSync(new URL(folder, root)).sort();
}

/** A captured file whose first line is the command that was run (`$ …`): its bytes without that line. */
export function captured(path: string): Uint8Array {
  const all = fixture(path);
  return all.subarray(all.indexOf(10) + 1);
}

export function reply(fact: string, out: Uint8Array | string, more: Partial<Reply> = {}): Reply {
  return {
    node: 'node-a',
    fact,
    reader: `${fact}@1`,
    sweep: 3,
    at: '2026-11-23T21:00:00.000Z',
    uptime: 2800,
    ms: 10,
    exit: 0,
    out: typeof out === 'string' ? bytes(out) : out,
    err: '',
    ...more,
  };
}

export function emptySnapshot(more: Partial<Snapshot> = {}): Snapshot {
  return {node: 'node-a', sweep: 3, at: '', uptime: 2800, netns: new Map(), gaps: [], ...more};
}

export function textAt(out: Uint8Array, {from, to}: {from: number; to: number}): string {
  return new TextDecoder().decode(out.subarray(from, to));
}
