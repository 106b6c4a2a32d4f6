import {type Fields, isTooDeep} from '../elements.ts';
import {textOf} from '../lines.ts';
import {maskMachineId} from '../machine-id.ts';
import {isSecretName, MASK, maskArguments} from '../secrets.ts';
import {documentsOf, kubeObjects} from './objects.ts';
import {yaml} from './yaml.ts';

/** Kinds that hoptop reads; of any other that a list holds as well, only its name is kept. */
const KINDS = new Set(['Node', 'Pod', 'DaemonSet', 'Deployment', 'StatefulSet', 'ReplicaSet']);

/** The one annotation that is read: the uid by which the kubelet knows a static pod. */
const KEPT = 'kubernetes.io/config.hash';

/**
 * What becomes of a value under a key. `env`: a list of variables, or of headers, whose `value` is secret. `secret`:
 * masked but for switches.
 */
type Rule = 'mask' | 'machine' | 'secret' | 'drop' | 'arguments' | 'env' | 'annotations' | undefined;

function ruleOf(key: string): Rule {
  switch (key) {
    case 'managedFields':
      return 'drop';
    case 'annotations':
      return 'annotations';
    case 'env':
    case 'httpHeaders':
      return 'env';
    case 'command':
    case 'args':
      return 'arguments';
    case 'data':
    case 'stringData':
    case 'binaryData':
    case 'systemUUID':
    // What drivers of volumes are told: `csi`, `flexVolume`.
    case 'volumeAttributes':
    case 'options':
      return 'mask';
    case 'machineID':
      return 'machine';
    default:
      return isSecretName(key) ? 'secret' : undefined;
  }
}

/**
 * API objects without their secrets: values of environment variables and of probes' headers, annotations (the last
 * applied configuration repeats all of it), what drivers of volumes are told, what has the name of a secret, what looks
 * secret in command lines, comments, machine ids. JSON comes out with one object a line; YAML stays as it is around what is masked.
 */
export function redactObjects(out: Uint8Array): Uint8Array {
  const source = textOf(out, 0, out.length);
  return new TextEncoder().encode(/^\s*\{/.test(source) ? redactJson(source, out) : redactYaml(source));
}

function redactJson(source: string, out: Uint8Array): string {
  if (isTooDeep(source)) return '';
  let list: unknown;
  try {
    list = JSON.parse(source);
  } catch {
    // Nobody can tell where the secrets of broken JSON are.
    return '';
  }
  const lines = kubeObjects(out).objects.map(({kind, fields}) => JSON.stringify(maskObject(kind, fields)));
  if (!Array.isArray((list as Fields)['items'])) return `${lines[0] ?? '{}'}\n`;
  const {kind, apiVersion} = list as Fields;
  const head = JSON.stringify({kind, apiVersion}).slice(0, -1);
  return `${head}${head === '{' ? '' : ','}"items":[\n${lines.join(',\n')}\n]}\n`;
}

function maskObject(kind: string, fields: Fields): unknown {
  if (kind === 'Status') return fields;
  if (KINDS.has(kind)) return maskValue(fields);
  const {name, namespace} = (fields['metadata'] ?? {}) as Fields;
  return {kind, metadata: {name, namespace}};
}

function maskValue(value: unknown, rule?: Rule): unknown {
  if (rule === 'mask' || (rule === 'secret' && !isSwitch(value))) return MASK;
  if (rule === 'machine') return typeof value === 'string' ? maskMachineId(value) : MASK;
  if (Array.isArray(value)) {
    if (rule === 'arguments' && value.every(one => typeof one === 'string')) return maskArguments(value);
    return value.map(one => (rule === 'env' ? maskVariable(one) : maskValue(one)));
  }
  if (typeof value !== 'object' || value === null) return value;
  // Without a prototype: `__proto__` is a key like any other.
  const masked = Object.create(null) as Record<string, unknown>;
  for (const [key, inner] of Object.entries(value)) {
    const own = ruleOf(key);
    if (own === 'drop') continue;
    if (rule === 'annotations') masked[key] = key === KEPT ? inner : MASK;
    else masked[key] = maskValue(inner, own);
  }
  return masked;
}

/** `automountServiceAccountToken: false` */
function isSwitch(value: unknown): boolean {
  return typeof value === 'boolean' || value === null;
}

function maskVariable(one: unknown): unknown {
  if (typeof one !== 'object' || one === null || !('value' in one)) return maskValue(one);
  return {...(maskValue(one) as object), value: MASK};
}

type Edit = {readonly from: number; readonly to: number; readonly text: string};

function redactYaml(source: string): string {
  const edits: Edit[] = [];
  for (const document of documentsOf(source)) {
    if (document.errors.length > 0) return '';
    if (!yaml().isMap(document.contents)) {
      replace(document.contents, '{}', source, edits);
      continue;
    }
    const kind = String(document.contents.get('kind') ?? '');
    const items = document.contents.get('items', true);
    const own = (node: unknown, of: string) => {
      if (KINDS.has(of)) editsOf(node, undefined, source, edits);
      else replace(node, '{}', source, edits);
    };
    if (!yaml().isSeq(items)) own(document.contents, kind);
    else {
      for (const item of items.items)
        own(item, String((yaml().isMap(item) ? item.get('kind') : undefined) ?? kind.replace(/List$/, '')));
    }
  }
  edits.push(...commentsOf(source, edits));
  let text = source;
  for (const edit of edits.sort((a, b) => b.from - a.from))
    text = text.slice(0, edit.from) + edit.text + text.slice(edit.to);
  return text;
}

/** Comments, wherever they stand, which no node of a document has the place of. */
function commentsOf(source: string, edits: readonly Edit[]): Edit[] {
  const comments: Edit[] = [];
  const visit = (token: unknown): void => {
    if (typeof token !== 'object' || token === null) return;
    const {type, offset, source: said} = token as {type?: unknown; offset?: number; source?: string};
    if (type === 'comment' && offset !== undefined && said !== undefined) {
      const to = offset + said.length;
      const over = edits.find(edit => edit.from < to && offset < edit.to);
      const from = over ? over.to : offset;
      if (from < to) comments.push({from, to, text: ''});
    } else for (const inner of Object.values(token)) visit(inner);
  };
  for (const token of new (yaml().Parser)().parse(source)) visit(token);
  return comments;
}

function editsOf(node: unknown, rule: Rule, source: string, edits: Edit[]): void {
  if (rule === 'machine') {
    replace(node, `'${yaml().isScalar(node) ? maskMachineId(String(node.value)) : MASK}'`, source, edits);
    return;
  }
  if (rule === 'mask' || (rule === 'secret' && !(yaml().isScalar(node) && isSwitch(node.value)))) {
    replace(node, `'${MASK}'`, source, edits);
    return;
  }
  if (yaml().isSeq(node)) {
    const words = node.items.map(item => (yaml().isScalar(item) ? String(item.value) : undefined));
    if (rule === 'arguments' && words.every(word => word !== undefined)) {
      for (const [index, word] of maskArguments(words).entries()) {
        if (word !== words[index]) replace(node.items[index], JSON.stringify(word), source, edits);
      }
      return;
    }
    for (const item of node.items) {
      if (rule === 'env' && yaml().isMap(item) && item.has('value'))
        replace(item.get('value', true), `'${MASK}'`, source, edits);
      editsOf(item, undefined, source, edits);
    }
    return;
  }
  if (!yaml().isMap(node)) return;
  for (const {key, value} of node.items) {
    const name = yaml().isScalar(key) ? String(key.value) : '';
    const own = ruleOf(name);
    if (own === 'drop') replace(value, '[]', source, edits);
    else if (rule !== 'annotations') editsOf(value, own, source, edits);
    else if (name !== KEPT) replace(value, `'${MASK}'`, source, edits);
  }
}

/** A block scalar's range holds its last line feed, which must stay. */
function replace(node: unknown, text: string, source: string, edits: Edit[]): void {
  const range = (node as {range?: readonly number[] | null} | undefined)?.range;
  const [from, to] = range ?? [];
  if (from === undefined || to === undefined || from === to) return;
  if (edits.some(edit => edit.from <= from && to <= edit.to)) return;
  edits.push({from, to, text: source.slice(from, to).endsWith('\n') ? `${text}\n` : text});
}
