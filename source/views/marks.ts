import type {Grade} from '../model/graph.ts';
import {age} from './units.ts';
import type {Tone} from './view.ts';

/** Readable without colour: `~` inferred, `?` unknown, `≈` ambiguous; proven has no mark. */
export function mark(grade: Grade | undefined): string {
  return grade === 'inferred' ? '~' : grade === 'ambiguous' ? '≈' : grade === 'unknown' ? '?' : '';
}

export function gradeTone(grade: Grade | undefined): Tone {
  return grade === 'proven'
    ? 'plain'
    : grade === 'inferred'
      ? 'accent'
      : grade === undefined
        ? 'dim'
        : 'warn';
}

/** A state that was read of a node not reached now: what it was, not what it is. */
export function stateMark(state: string, asOf: string | undefined): string {
  return asOf === undefined || state === '' ? state : `${state}?`;
}

/** ` · as of 12:03:04, 10s old` for a summary; nothing while the node is reached. */
export function asOfText(asOf: string | undefined, now: string): string {
  if (asOf === undefined) return '';
  const time = /T(\d\d:\d\d:\d\d)/.exec(asOf)?.[1] ?? asOf;
  return ` · as of ${time}, ${age(asOf, now)} old`;
}

/** Where an address may be that no interface read has. */
export function perhapsText(nodes: readonly string[]): string {
  const named = nodes.length > 2 ? `one of ${nodes.length} nodes` : nodes.join(' or ');
  return `perhaps on ${named}, not read`;
}

/** Plain kinds of states: listening and connected are healthy, closing ones are passing, calling ones wait. */
export function stateTone(state: string): Tone {
  if (state === 'ESTAB') return 'good';
  if (state === 'SYN-SENT' || state === 'CLOSE-WAIT') return 'warn';
  return state === 'LISTEN' || state === 'UNCONN' ? 'plain' : 'dim';
}

export function linkTone(state: string): Tone {
  return state === 'UP' ? 'good' : state === 'UNKNOWN' ? 'plain' : 'warn';
}

export function reachTone(state: 'dialling' | 'ready' | 'lost' | 'back' | 'listed'): Tone {
  if (state === 'listed') return 'dim';
  return state === 'lost' ? 'bad' : state === 'dialling' ? 'warn' : 'good';
}

/** Between two sides: they differ, or what is here stalls them. */
export function noteSign(note: 'differs' | 'stalls' | undefined): string {
  return note === 'stalls' ? '!' : note === 'differs' ? '≠' : ' ';
}
