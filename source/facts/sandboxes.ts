import {dated, gapsOf} from './contribution.ts';
import type {Parsed, Span} from './evidence.ts';
import type {Fact} from './fact.ts';
import {linesOf, note, quoted, textOf} from './lines.ts';
import {optional} from './links.ts';
import {parsePieces} from './pieces.ts';
import {isLogLine, parsePodLogs} from './sandboxes/logs.ts';
import {STATE_READER} from './sandboxes/reader.ts';

/** Who keeps a container: containerd, CRI-O, or Docker (by dockershim or cri-dockerd). */
export type Runtime = 'containerd' | 'cri-o' | 'docker';

/**
 * What a container runtime leaves on disk about one pod sandbox or container, read without crictl and without the
 * Kubernetes API. containerd: OCI annotations `io.kubernetes.cri.*` in the bundle's `config.json` (`pkg/cri/annotations`).
 * CRI-O: `io.kubernetes.cri-o.*` and the pod's labels in `userdata/config.json` (`server/sandbox_run_linux.go`,
 * `internal/factory/container`). Docker: labels in `config.v2.json` (cri-dockerd's `core/docker_service.go`).
 */
export type Sandbox = Span & {
  readonly id: string;
  readonly type: 'sandbox' | 'container';
  /** The pod sandbox this belongs to; its own id when it is the sandbox. */
  readonly sandbox: string;
  /** Absent in what was made by hand. */
  readonly runtime?: Runtime;
  readonly pod: string;
  readonly namespace: string;
  readonly uid: string;
  /** Container's name; absent for the sandbox. */
  readonly container?: string;
  readonly image?: string;
  /** Bind mount of its network namespace; absent for a pod on the host's network. */
  readonly netnsPath?: string;
  /** First process of the container, by what the runtime noted. */
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

/** A directory in the path of the file that a line is of: the container's id, then what the runtime calls the file. */
const FILE =
  /^((?:.*?[^0-9A-Za-z._-])??)([0-9A-Za-z._-]+)\/(?:userdata\/)?(config\.json|config\.v2\.json|init\.pid|pidfile):(.*)$/;
const KEY = /^"io\.kubernetes\.([a-zA-Z.-]+)": ?("(?:[^"\\]|\\.)*")$/;
const NETNS = /^(?:"type":"network","path"|"path"|"SandboxKey"): ?"([^"\\]*)"$/;

/** Each runtime's word for the same. Docker's and CRI-O's labels are the kubelet's own. */
const MEANING: Readonly<Record<string, Exclude<keyof Found, 'pid' | 'netnsPath'>>> = {
  'cri.container-type': 'type',
  'cri.sandbox-id': 'sandbox',
  'cri.sandbox-name': 'pod',
  'cri.sandbox-namespace': 'namespace',
  'cri.sandbox-uid': 'uid',
  'cri.container-name': 'container',
  'cri.image-name': 'image',
  'cri-o.ContainerType': 'type',
  'cri-o.SandboxID': 'sandbox',
  'cri-o.ImageName': 'image',
  'pod.name': 'pod',
  'pod.namespace': 'namespace',
  'pod.uid': 'uid',
  'container.name': 'container',
  'docker.type': 'type',
  'sandbox.id': 'sandbox',
};

/** What was read of one container; `type` in its runtime's word. */
type Found = {
  type?: string;
  sandbox?: string;
  pod?: string;
  namespace?: string;
  uid?: string;
  container?: string;
  image?: string;
  netnsPath?: string;
  pid?: number;
};
type Bundle = {from: number; to: number; readonly runtime: Runtime; readonly found: Found};

/** The runtime that a file is of, by where it is and what it is called. */
function runtimeOf(file: string, path: string): Runtime {
  if (file === 'config.v2.json') return 'docker';
  return file === 'pidfile' || /\/overlay-containers\/$/.test(path) ? 'cri-o' : 'containerd';
}

/**
 * Samples (`grep -oHE` in files of containerd 1.6.20, CRI-O 1.36 and Docker 20.10, then the files with process ids); a
 * container's network namespace is given as its sandbox's process, so the sandbox's own path is what counts.
 * ```
 * /run/containerd/io.containerd.runtime.v2.task/k8s.io/19ea…/config.json:"io.kubernetes.cri.sandbox-name":"web-llv96"
 * /run/containerd/io.containerd.runtime.v2.task/k8s.io/19ea…/config.json:"type":"network","path":"/var/run/netns/cni-6f7c…"
 * /run/containerd/io.containerd.runtime.v2.task/k8s.io/19ea…/init.pid:3119
 * /run/containers/storage/overlay-containers/5d01…/userdata/config.json:"io.kubernetes.cri-o.SandboxID": "5d01…"
 * /run/containers/storage/overlay-containers/5d01…/userdata/config.json:"path": "/var/run/netns/8f7f…"
 * /run/containers/storage/overlay-containers/5d01…/userdata/pidfile:3119
 * /var/lib/docker/containers/77be…/config.v2.json:"Pid":3119
 * /var/lib/docker/containers/77be…/config.v2.json:"io.kubernetes.docker.type":"podsandbox"
 * ```
 * What has no type in Kubernetes' words is a container of somebody else's (`docker run`), and no row.
 */
export function parseSandboxes(out: Uint8Array): Parsed<Sandbox> {
  const problems: string[] = [];
  const bundles = new Map<string, Bundle>();
  for (const {from, to, text} of linesOf(out)) {
    if (isLogLine(text)) continue;
    const read = lineOf(text);
    if (!read) {
      note(problems, () => `a line that is no annotation, namespace or process: ${quoted(text)}.`);
      continue;
    }
    const {id, runtime, apart, found} = read;
    const bundle = bundles.get(id) ?? {from, to, runtime, found: {}};
    bundles.set(id, bundle);
    // Docker says its image twice: first as it was asked for, then its digest.
    Object.assign(bundle.found, found, optional('image', bundle.found.image ?? found.image));
    if (!apart) bundle.to = to;
  }
  const rows: Sandbox[] = [];
  for (const [id, {from, to, runtime, found}] of bundles) {
    const type = found.type === 'podsandbox' ? 'sandbox' : found.type;
    // Docker has no label for it on the sandbox itself.
    const sandbox = found.sandbox ?? (type === 'sandbox' && runtime === 'docker' ? id : undefined);
    if ((type !== 'sandbox' && type !== 'container') || sandbox === undefined) {
      if (runtime === 'containerd')
        note(problems, () => `the bundle ${quoted(id)} does not say which sandbox it belongs to.`);
      continue;
    }
    const owner = bundles.get(sandbox);
    const netnsPath = (owner ?? {found}).found.netnsPath;
    rows.push({
      from,
      to,
      id,
      type,
      sandbox,
      runtime,
      pod: found.pod ?? owner?.found.pod ?? '',
      namespace: found.namespace ?? owner?.found.namespace ?? '',
      uid: found.uid ?? owner?.found.uid ?? '',
      ...optional('container', type === 'container' ? found.container : undefined),
      ...optional('image', type === 'container' || runtime === 'containerd' ? found.image : undefined),
      ...optional('netnsPath', netnsPath),
      ...optional('pid', found.pid),
    });
  }
  return {rows, problems};
}

type Read = {
  readonly id: string;
  readonly runtime: Runtime;
  /** It stands apart from the rest of the container's lines. */
  readonly apart: boolean;
  readonly found: Found;
};

/** Undefined for a line that the reader does not print. */
function lineOf(text: string): Read | undefined {
  const [, path, id, file, rest] = FILE.exec(text) ?? [];
  if (path === undefined || id === undefined || file === undefined || rest === undefined) return undefined;
  const apart = file === 'init.pid' || file === 'pidfile';
  const found = apart ? pidOf(rest, path) : foundIn(rest, path, file);
  return found && {id, runtime: runtimeOf(file, path), apart, found};
}

function foundIn(text: string, path: string, file: string): Found | undefined {
  const [, key, json] = KEY.exec(text) ?? [];
  if (key !== undefined && json !== undefined) {
    const meaning = MEANING[key];
    const value = stringOf(json);
    return meaning === undefined || value === undefined ? undefined : {[meaning]: value};
  }
  const netnsPath = NETNS.exec(text)?.[1];
  // So Docker calls what is on the node's own network, and what has that of another container.
  const none = netnsPath === '' || (file === 'config.v2.json' && netnsPath?.endsWith('/default'));
  if (netnsPath !== undefined) return none ? {} : {netnsPath};
  const image = /^"Image":"([^"\\]*)"$/.exec(text)?.[1];
  if (image !== undefined) return {image};
  const pid = /^"Pid":(\d+)$/.exec(text)?.[1];
  return pid === undefined ? undefined : pidOf(pid, path);
}

/** Nothing of a container that does not run, or of one in a container, which counts its processes for itself. */
function pidOf(text: string, path: string): Found | undefined {
  if (!/^\d{1,10}$/.test(text)) return undefined;
  return text === '0' || path.startsWith('/proc/') ? {} : {pid: Number(text)};
}

/** A JSON string's value: Go escapes `<`, `>`, `&` and what is not printable. */
function stringOf(json: string): string | undefined {
  try {
    return JSON.parse(json) as string;
  } catch {
    return undefined;
  }
}

const NEEDS_ROOT = STATE_READER.withoutRoot!;

export const SANDBOXES: Fact = {
  name: 'sandboxes',
  reader: STATE_READER,
  cadence: {when: 'change', backstop: 15},
  dueWhen: ({memberships}) =>
    [...new Set(memberships?.value.map(({container}) => container))].sort().join(' '),
  formats: [
    {
      name: 'containerd-bundles@1',
      label: "containerd's bundles (config.json, init.pid)",
      looks: ({lines}) => lineOf(lines[0] ?? '') !== undefined,
      redact: keepKnown,
    },
  ],
  contribute(reply, soFar) {
    const {rows, problems} = parsePieces(reply, parseSandboxes);
    const logs = parsePieces(reply, parsePodLogs).rows;
    const gaps = gapsOf(reply, {name: 'grep', fine: [1, 2]}, problems, {soFar, withoutRoot: NEEDS_ROOT});
    const logged = logs.length > 0 ? {podLogs: dated(reply, logs)} : {};
    if (rows.length === 0 && gaps.length > 0) return {node: logged, gaps};
    return {node: {sandboxes: dated(reply, rows), ...logged}, gaps};
  },
  redact: keepKnown,
};

/** The files hold the environment of their process; whatever is not one of the lines asked for is dropped. */
function keepKnown(out: Uint8Array): Uint8Array {
  const kept = [...linesOf(out)].filter(({text}) => isLogLine(text) || lineOf(text) !== undefined);
  return new TextEncoder().encode(kept.map(({from, to}) => `${textOf(out, from, to)}\n`).join(''));
}

const ASKED =
  /"io\.kubernetes\.cri\.(?:container-type|sandbox-(?:id|name|namespace|uid)|container-name|image-name)"\s*:\s*"[^"]*"|"type"\s*:\s*"network"\s*,\s*"path"\s*:\s*"[^"]*"/g;

/**
 * The lines that the reader would print of one file of a bundle, `config.json` or `init.pid`, whose directory has the
 * container's id for a name.
 */
export function bundleLines(id: string, file: string, out: Uint8Array): string {
  const text = textOf(out, 0, out.length);
  const found = file === 'init.pid' ? text.trim().split('\n') : (text.match(ASKED) ?? []);
  return found.map(line => `containerd/${id}/${file}:${line.replace(/"\s*([:,])\s*"/g, '"$1"')}\n`).join('');
}
