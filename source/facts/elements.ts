import type {Span} from './evidence.ts';
import {isHopeless, note, quoted, textOf} from './lines.ts';

export type Fields = Readonly<Record<string, unknown>>;

/** One object of a top-level JSON array, with its byte range in the reply. */
export type Element = Span & {readonly fields: Fields};

/** `whole` is false when the reply ends before the array does, or an element of it could not be understood. */
export type JsonArray = Span & {readonly elements: readonly Element[]; readonly whole: boolean};

/** No tool nests so deeply; what does is there to exhaust the stack of whoever walks through it. */
const MOST_DEPTH = 200;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * Finds the JSON arrays that `ip -j` prints one after the other. Every element is parsed on its own, so a broken one
 * costs only itself, and has exact byte offsets. Empty objects (`[{}]` of old builds) are dropped. Never throws.
 */
export function arraysOf(out: Uint8Array): {arrays: readonly JsonArray[]; problems: readonly string[]} {
  const arrays: JsonArray[] = [];
  const problems: string[] = [];
  let stray = false;
  for (let i = 0; i < out.length && !isHopeless(problems); ) {
    const byte = out[i]!;
    if (byte === 0x5b) {
      const array = readArray(out, i, problems);
      arrays.push(array);
      i = array.to;
    } else {
      if (byte > 0x20 && !stray) {
        stray = true;
        const end = out.indexOf(10, i);
        note(
          problems,
          () =>
            `text that is no JSON array: ${quoted(textOf(out, i, Math.min(end < 0 ? out.length : end, i + 80)))}.`,
        );
      }
      i += 1;
    }
  }
  return {arrays, problems};
}

function readArray(out: Uint8Array, start: number, problems: string[]): JsonArray {
  const elements: Element[] = [];
  let whole = true;
  let depth = 0;
  let deepest = 0;
  let from = -1;
  for (let i = start; i < out.length; i += 1) {
    const byte = out[i]!;
    if (byte === QUOTE) {
      i = endOfString(out, i);
    } else if (byte === 0x7b || byte === 0x5b) {
      depth += 1;
      deepest = Math.max(deepest, depth);
      if (depth === 2) [from, deepest] = [i, depth];
    } else if (byte === 0x7d || byte === 0x5d) {
      depth -= 1;
      if (depth === 1 && from >= 0) {
        const fields = deepest > MOST_DEPTH ? undefined : fieldsOf(out, from, i + 1);
        if (fields === undefined) {
          whole = false;
          note(
            problems,
            () => `an entry is broken JSON: ${quoted(textOf(out, from, Math.min(i + 1, from + 80)))}.`,
          );
          if (isHopeless(problems)) break;
        } else if (Object.keys(fields).length > 0) elements.push({from, to: i + 1, fields});
        from = -1;
      } else if (depth <= 0) return {from: start, to: i + 1, elements, whole};
    }
  }
  note(problems, () => 'the answer ends in the middle of a table.');
  return {from: start, to: out.length, elements, whole: false};
}

/** Index of the quote that ends the string begun at `start`; the last byte when it does not end. */
function endOfString(out: Uint8Array, start: number): number {
  for (let i = start + 1; i < out.length; i += 1) {
    if (out[i] === BACKSLASH) i += 1;
    else if (out[i] === QUOTE) return i;
  }
  return out.length;
}

/** What JSON allows nowhere: iproute2 6.1 escapes line feeds and tabs of a name or an alias, and nothing else of it. */
const RAW = /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g;

function fieldsOf(out: Uint8Array, from: number, to: number): Fields | undefined {
  const json = textOf(out, from, to);
  return (
    parsed(json) ?? parsed(json.replace(RAW, raw => `\\u${raw.charCodeAt(0).toString(16).padStart(4, '0')}`))
  );
}

function parsed(json: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return isFields(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Is a JSON text nested more deeply than anything that is read here? */
export function isTooDeep(source: string): boolean {
  let depth = 0;
  for (let i = 0; i < source.length; i += 1) {
    const code = source.charCodeAt(i);
    if (code === QUOTE) {
      for (i += 1; i < source.length && source.charCodeAt(i) !== QUOTE; i += 1)
        if (source.charCodeAt(i) === BACKSLASH) i += 1;
    } else if (code === 0x7b || code === 0x5b) {
      depth += 1;
      if (depth > MOST_DEPTH) return true;
    } else if (code === 0x7d || code === 0x5d) depth -= 1;
  }
  return false;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A field that holds text, else undefined; iproute2 prints `null` for what is present without a value. */
export function text(fields: Fields, key: string): string | undefined {
  const value = fields[key];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

export function number(fields: Fields, key: string): number | undefined {
  const value = fields[key];
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

export function words(fields: Fields, key: string): readonly string[] {
  const value = fields[key];
  return Array.isArray(value) ? value.filter(word => typeof word === 'string') : [];
}

export function inner(fields: Fields | undefined, key: string): Fields | undefined {
  const value = fields?.[key];
  return isFields(value) ? value : undefined;
}

export function inners(fields: Fields, key: string): readonly Fields[] {
  const value = fields[key];
  return Array.isArray(value) ? value.filter(isFields) : [];
}

/** True when the key is there at all: iproute2 marks switches by presence (`"not": null`). */
export function has(fields: Fields, key: string): boolean {
  return Object.hasOwn(fields, key) && fields[key] !== false;
}
