import {dated, gapsOf} from './contribution.ts';
import type {Parsed, Span} from './evidence.ts';
import type {Fact} from './fact.ts';
import {linesOf, quoted, textOf} from './lines.ts';
import {optional} from './links.ts';
import {parsePieces} from './pieces.ts';

/**
 * What a container runtime leaves on disk about one pod sandbox or container, read without crictl and without the
 * Kubernetes API (containerd: the bundle's `config.json`, OCI annotations `io.kubernetes.cri.*`).
 */
export type Sandbox = Span & {
  readonly id: string;
  readonly type: 'sandbox' | 'container';
  /** The pod sandbox this belongs to; its own id when it is the sandbox. */
  readonly sandbox: string;
  readonly pod: string;
  readonly namespace: string;
  readonly uid: string;
  /** Container's name; absent for the sandbox. */
  readonly container?: string;
  readonly image?: string;
  /** Bind mount of its network namespace; absent for a pod on the host's network. */
  readonly netnsPath?: string;
  /** First process of the container (`init.pid`). */
  readonly pid?: number;
};

/** Which container a process is in, from its cgroup path. */
export type Membership = Span & {
  readonly pid: number;
  /** 64 hex digits. */
  readonly container: string;
  /** Pod uid as the cgroup path has it, dashes restored; absent when the path names none. */
  readonly uid?: string;
};

const KEYS = [
  'container-type',
  'sandbox-id',
  'sandbox-name',
  'sandbox-namespace',
  'sandbox-uid',
  'container-name',
  'image-name',
] as const;

/** Where containerd keeps the bundles of Kubernetes' containers: stock, its first runtime, k3s and RKE2. */
const BUNDLES = [
  '/run/containerd/io.containerd.runtime.v2.task/k8s.io',
  '/run/containerd/io.containerd.runtime.v1.linux/k8s.io',
  '/run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io',
];

const LINE = new RegExp(
  `^\\S+/([0-9A-Za-z._-]+)/(?:config\\.json:(?:"io\\.kubernetes\\.cri\\.(${KEYS.join('|')})":"((?:[^"\\\\]|\\\\.)*)"|` +
    `"type":"network","path":"([^"\\\\]*)")|init\\.pid:(\\d+))$`,
);

type Bundle = {from: number; to: number; values: Map<string, string>; netnsPath?: string; pid?: number};

/**
 * Samples (containerd 1.6.20, `grep -oHE` in the bundles' `config.json`, then their `init.pid`); a container's network
 * namespace is given as its sandbox's process, so the sandbox's own path is what counts.
 * ```
 * /run/containerd/io.containerd.runtime.v2.task/k8s.io/19ea…/config.json:"io.kubernetes.cri.sandbox-name":"web-llv96"
 * /run/containerd/io.containerd.runtime.v2.task/k8s.io/19ea…/config.json:"type":"network","path":"/var/run/netns/cni-6f7c…"
 * /run/containerd/io.containerd.runtime.v2.task/k8s.io/19ea…/init.pid:3119
 * ```
 */
export function parseSandboxes(out: Uint8Array): Parsed<Sandbox> {
  const problems: string[] = [];
  const bundles = new Map<string, Bundle>();
  for (const {from, to, text} of linesOf(out)) {
    const match = LINE.exec(text);
    if (!match) {
      problems.push(`a line that is no annotation, namespace or process: ${quoted(text)}.`);
      continue;
    }
    const [, id, key, value, path, pid] = match;
    const bundle: Bundle = bundles.get(id!) ?? {from, to, values: new Map()};
    bundles.set(id!, bundle);
    if (key !== undefined) bundle.values.set(key, value!);
    if (path !== undefined) bundle.netnsPath = path;
    if (pid !== undefined) bundle.pid = Number(pid);
    else bundle.to = to;
  }
  const rows: Sandbox[] = [];
  for (const [id, {from, to, values, netnsPath, pid}] of bundles) {
    const type = values.get('container-type');
    const sandbox = values.get('sandbox-id');
    const [pod, namespace, uid] = ['sandbox-name', 'sandbox-namespace', 'sandbox-uid'].map(key =>
      values.get(key),
    );
    if ((type !== 'sandbox' && type !== 'container') || sandbox === undefined) {
      problems.push(`the bundle ${quoted(id)} does not say which sandbox it belongs to.`);
      continue;
    }
    const owner = bundles.get(sandbox);
    rows.push({
      from,
      to,
      id,
      type,
      sandbox,
      pod: pod ?? owner?.values.get('sandbox-name') ?? '',
      namespace: namespace ?? owner?.values.get('sandbox-namespace') ?? '',
      uid: uid ?? owner?.values.get('sandbox-uid') ?? '',
      ...optional('container', values.get('container-name')),
      ...optional('image', values.get('image-name')),
      ...optional('netnsPath', owner ? owner.netnsPath : netnsPath),
      ...optional('pid', pid),
    });
  }
  return {rows, problems};
}

const NEEDS_ROOT = "containerd's bundles are not readable: pods have no names.";

export const SANDBOXES: Fact = {
  name: 'sandboxes',
  reader: {
    name: 'containerd-bundles@1',
    fact: 'sandboxes',
    scope: 'node',
    command:
      `grep -sHoE '"io\\.kubernetes\\.cri\\.(${KEYS.join('|')})":"[^"]*"|"type":"network","path":"[^"]*"' ` +
      `${BUNDLES.map(path => `${path}/*/config.json`).join(' ')}; ` +
      `grep -sH '' ${BUNDLES.map(path => `${path}/*/init.pid`).join(' ')}`,
    why: "Names of pods and containers from containerd's bundles; only these annotations leave the node, never an environment.",
    withoutRoot: NEEDS_ROOT,
    limit: 16_000_000,
    timeout: 5,
  },
  cadence: {when: 'change', backstop: 15},
  dueWhen: ({memberships}) =>
    [...new Set(memberships?.value.map(({container}) => container))].sort().join(' '),
  formats: [
    {
      name: 'containerd-bundles@1',
      label: "containerd's bundles (config.json, init.pid)",
      looks: ({lines}) => LINE.test(lines[0] ?? ''),
      redact: keepKnown,
    },
  ],
  contribute(reply, soFar) {
    const {rows, problems} = parsePieces(reply, parseSandboxes);
    const gaps = gapsOf(reply, {name: 'grep', fine: [1, 2]}, problems, {soFar, withoutRoot: NEEDS_ROOT});
    if (rows.length === 0 && gaps.length > 0) return {gaps};
    return {node: {sandboxes: dated(reply, rows)}, gaps};
  },
  redact: keepKnown,
};

/** A bundle holds the environment of its process; whatever is not one of the lines asked for is dropped. */
function keepKnown(out: Uint8Array): Uint8Array {
  const kept = [...linesOf(out)].filter(({text}) => LINE.test(text));
  return new TextEncoder().encode(kept.map(({from, to}) => `${textOf(out, from, to)}\n`).join(''));
}

const ASKED = new RegExp(
  `"io\\.kubernetes\\.cri\\.(?:${KEYS.join('|')})"\\s*:\\s*"[^"]*"|"type"\\s*:\\s*"network"\\s*,\\s*"path"\\s*:\\s*"[^"]*"`,
  'g',
);

/**
 * The lines that the reader would print of one file of a bundle, `config.json` or `init.pid`, whose directory has the
 * container's id for a name.
 */
export function bundleLines(id: string, file: string, out: Uint8Array): string {
  const text = textOf(out, 0, out.length);
  const found = file === 'init.pid' ? text.trim().split('\n') : (text.match(ASKED) ?? []);
  return found.map(line => `containerd/${id}/${file}:${line.replace(/"\s*([:,])\s*"/g, '"$1"')}\n`).join('');
}
