import type {Grade} from '../model/graph.ts';
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

export function reachTone(state: 'dialling' | 'ready' | 'lost' | 'back'): Tone {
  return state === 'lost' ? 'bad' : state === 'dialling' ? 'warn' : 'good';
}
