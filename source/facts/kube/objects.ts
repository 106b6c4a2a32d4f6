import type {Document, Node} from 'yaml';
import {type Fields, inners, isTooDeep, text} from '../elements.ts';
import type {Span} from '../evidence.ts';
import {note, quoted, textOf} from '../lines.ts';
import {yaml} from './yaml.ts';

/** One object of the Kubernetes API, with its byte range in the text it was read from. */
export type KubeObject = Span & {readonly kind: string; readonly fields: Fields};

/**
 * The objects in what the API answers (a list, or one object) or `kubectl get -o json|yaml` prints (a `List`, one
 * object, or several documents). A list's items do not repeat their kind. Never throws.
 */
export function kubeObjects(out: Uint8Array): {
  readonly objects: readonly KubeObject[];
  readonly problems: readonly string[];
} {
  const source = textOf(out, 0, out.length);
  return /^\s*\{/.test(source) ? fromJson(source, out.length) : fromYaml(source);
}

function fromJson(source: string, bytes: number) {
  if (isTooDeep(source)) return {objects: [], problems: ['it is nested too deeply to be read.']};
  let value: unknown;
  try {
    value = JSON.parse(source);
  } catch (error) {
    return {objects: [], problems: [`it is broken JSON: ${quoted(String(error))}.`]};
  }
  if (!isFields(value)) return {objects: [], problems: ['it is no object.']};
  const items = itemsOf(value);
  const lines = items && lineSpans(source, items.length);
  const objects = (items ?? [value]).map((fields, index) => ({
    ...(lines?.[index] ?? {from: 0, to: bytes}),
    kind: kindOf(fields, value),
    fields,
  }));
  return {objects, problems: refusal(value)};
}

/** Where a list has each of its items on a line of its own, as `redactObjects` writes them: their byte ranges. */
function lineSpans(source: string, items: number): Span[] | undefined {
  const lines = source.trimEnd().split('\n');
  if (lines.length !== items + 2) return undefined;
  let from = 0;
  const spans = lines.map(line => {
    const to = from + Buffer.byteLength(line);
    const span = {from, to: line.endsWith(',') ? to - 1 : to};
    from = to + 1;
    return span;
  });
  return spans.slice(1, -1);
}

function fromYaml(source: string) {
  const objects: KubeObject[] = [];
  const problems: string[] = [];
  for (const document of documentsOf(source)) {
    if (document.errors.length > 0)
      note(problems, () => `it is broken YAML: ${quoted(document.errors[0]!.message)}.`);
    const value: unknown = safely(() => document.toJS({maxAliasCount: 100}));
    if (value === undefined && document.errors.length === 0)
      note(
        problems,
        () => 'one of its documents is nested too deeply, or repeats itself too often, to be read.',
      );
    if (!isFields(value) || !yaml().isMap(document.contents)) continue;
    const items = itemsOf(value);
    const seq = items && document.contents.get('items', true);
    const nodes: readonly unknown[] = yaml().isSeq(seq) ? seq.items : [document.contents];
    const spanOf = byteSpans(source);
    for (const [index, fields] of (items ?? [value]).entries()) {
      objects.push({...spanOf(nodes[index]), kind: kindOf(fields, value), fields});
    }
    problems.push(...refusal(value));
  }
  return {objects, problems};
}

/** The documents of a YAML text, with their own errors; none where the text cannot be taken apart at all. */
export function documentsOf(source: string): readonly Document[] {
  const parsed = safely(() => yaml().parseAllDocuments(source, {logLevel: 'silent', uniqueKeys: false}));
  return Array.isArray(parsed) ? (parsed as Document[]) : [];
}

/** Ranges of the YAML parser count UTF-16 units; ours count bytes. Nodes are asked about in their order: linear. */
function byteSpans(source: string): (node: unknown) => Span {
  let [units, bytes] = [0, 0];
  return node => {
    const [from, to] = (node as Node | undefined)?.range ?? [0, source.length];
    if (from < units) [units, bytes] = [0, 0];
    bytes += Buffer.byteLength(source.slice(units, from));
    units = from;
    return {from: bytes, to: bytes + Buffer.byteLength(source.slice(from, to).trimEnd())};
  };
}

export function safely<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function itemsOf(value: Fields): readonly Fields[] | undefined {
  return Array.isArray(value['items']) ? inners(value, 'items') : undefined;
}

function kindOf(fields: Fields, list: Fields): string {
  return text(fields, 'kind') ?? text(list, 'kind')?.replace(/List$/, '') ?? '';
}

/** The API server answers a refusal with an object of kind Status. */
function refusal(value: Fields): string[] {
  if (text(value, 'kind') !== 'Status' || text(value, 'status') === 'Success') return [];
  return [`the API server refused: ${quoted(text(value, 'message') ?? 'it gave no reason')}.`];
}
