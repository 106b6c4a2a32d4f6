import type {Reply} from '../wire/source.ts';
import {dated, gapsOf} from './contribution.ts';
import type {Fact} from './fact.ts';
import {linesOf, note, quoted, textOf} from './lines.ts';
import {optional} from './links.ts';
import {maskMachineId} from './machine-id.ts';
import {PASTED, piecesOf} from './pieces.ts';
import {type Rights, rightsOf} from './rights.ts';

/** Who a node says it is. */
export type Identity = {
  readonly hostname: string;
  /** /etc/machine-id. Two nodes with the same one are clones: said, never joined. */
  readonly machineId?: string;
  readonly kernel: string;
  /** PRETTY_NAME of /etc/os-release. */
  readonly os?: string;
  readonly arch?: string;
  readonly bootId?: string;
  /** Present where the user who reads may not see the processes of others (`hidepid` of proc(5)). */
  readonly hidden?: true;
  /** Numeric user id that the reads ran as; 0 is root. Absent where hoptop did not read it itself. */
  readonly uid?: number;
  /** By what the reads ran as that user; absent in recordings older than this. */
  readonly rights?: Rights;
  readonly cpus?: number;
  /** Seconds since 1970 at which it booted (`btime` of /proc/stat): what process start times count from. */
  readonly bootTime?: number;
  /** The container runtimes that are there and their versions as Kubernetes writes them: `containerd://1.6.20~ds1`. */
  readonly runtimes?: readonly string[];
};

const LABELS = new Set([
  'hostname',
  'machine-id',
  'kernel',
  'arch',
  'os',
  'boot-id',
  'uid',
  'user',
  'by',
  'sudo',
  'doas',
  'cpus',
  // Of recordings made before the fingerprints told it.
  'clock',
  'boot-time',
  'containerd',
  'crio',
  'docker',
  'hidden',
]);

/** Lines of who reads, and by what; they stand together. */
const OF_RIGHTS = new Set(['uid', 'user', 'by', 'sudo', 'doas']);

/**
 * Labelled lines. Sample (Debian 12): `hostname=atlas`, `kernel=6.18.44`, `arch=x86_64`, `uid=0`,
 * `os=PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"`, `boot-time=btime 1795410809`, `containerd=containerd
 * github.com/containerd/containerd 1.6.20~ds1 1.6.20~ds1-1+deb12u3`. Undefined when the node does not
 * even say its name and kernel.
 */
export function parseIdentity(out: Uint8Array): {identity?: Identity; problems: readonly string[]} {
  const found = new Map<string, string>();
  const problems: string[] = [];
  const told: {from: number; to: number}[] = [];
  for (const {text, from, to} of linesOf(out)) {
    const equals = text.indexOf('=');
    const label = text.slice(0, Math.max(0, equals));
    if (OF_RIGHTS.has(label)) told.push({from, to});
    const value = text.slice(equals + 1).trim();
    if (!LABELS.has(label)) note(problems, () => `a line without a known label: ${quoted(text)}.`);
    else if (value !== '' && !found.has(label)) found.set(label, value);
  }
  const whole = (label: string): number | undefined => {
    const digits = /(\d+)$/.exec(found.get(label) ?? '')?.[1];
    return digits === undefined || !Number.isSafeInteger(Number(digits)) ? undefined : Number(digits);
  };
  const hostname = found.get('hostname');
  const kernel = found.get('kernel');
  const uid = whole('uid');
  for (const [label, value] of Object.entries({hostname, kernel, uid})) {
    if (value === undefined) note(problems, () => `its ${label} is missing.`);
  }
  if (hostname === undefined || kernel === undefined || uid === undefined) return {problems};
  const os = /^PRETTY_NAME=["']?(.*?)["']?$/.exec(found.get('os') ?? '')?.[1];
  return {
    identity: {
      hostname,
      kernel,
      uid,
      ...optional('machineId', found.get('machine-id')),
      ...optional('os', os),
      ...optional('arch', found.get('arch')),
      ...optional('bootId', found.get('boot-id')),
      ...optional('cpus', whole('cpus')),
      ...optional('bootTime', whole('boot-time')),
      ...optional('hidden', found.get('hidden') === '1' ? true : undefined),
      ...optional('runtimes', runtimesOf(found)),
      ...optional('rights', rightsOf(found, {from: told[0]?.from ?? 0, to: told.at(-1)?.to ?? 0})),
    },
    problems,
  };
}

const VERSIONS = [
  ['containerd', /^containerd \S+ v?([0-9]\S*)/, 'containerd'],
  ['crio', /^crio version ([0-9]\S*)/, 'cri-o'],
  ['docker', /^Docker version ([0-9][^\s,]*)/, 'docker'],
] as const;

/** The versions that the runtimes' own programs tell; undefined where there is none. */
function runtimesOf(found: ReadonlyMap<string, string>): readonly string[] | undefined {
  const all = VERSIONS.flatMap(([label, pattern, name]) => {
    const version = pattern.exec(found.get(label) ?? '')?.[1];
    return version === undefined ? [] : [`${name}://${version}`];
  });
  return all.length > 0 ? all : undefined;
}

/** Linux prints system, name, release, version (which begins with `#`), machine (`uname(1)`). */
const UNAME = /^Linux (\S+) (\S+) #\d+ .* (\S+) GNU\/Linux\s*$/;
const CONTAINERD = /^containerd \S+ v?\d\S*/;

/** `uname -a`, and `containerd --version` where it stands beside it. */
function pastedIdentity(reply: Reply): ReturnType<typeof parseIdentity> {
  if (reply.reader !== PASTED) return parseIdentity(reply.out);
  const lines = piecesOf(reply).flatMap(({out}) => [...linesOf(out)].map(({text}) => text));
  const uname = lines.map(line => UNAME.exec(line)).find(match => match !== null);
  if (!uname) return {problems: []};
  const [, hostname, kernel, arch] = uname as unknown as [string, string, string, string];
  const containerd = lines.find(line => CONTAINERD.test(line));
  const runtimes = containerd === undefined ? undefined : runtimesOf(new Map([['containerd', containerd]]));
  return {identity: {hostname, kernel, arch, ...optional('runtimes', runtimes)}, problems: []};
}

function keepUname(out: Uint8Array): Uint8Array {
  const kept = [...linesOf(out)].filter(({text}) => UNAME.test(text) || CONTAINERD.test(text));
  return new TextEncoder().encode(kept.map(({text}) => `${text}\n`).join(''));
}

export const IDENTITY: Fact = {
  name: 'identity',
  reader: {
    name: 'identity@1',
    fact: 'identity',
    scope: 'node',
    // The shell reads small files itself: a program for each would cost more than all the rest.
    command: [
      'set -- $(uname -n -r -m); echo "hostname=$1"; echo "kernel=$2"; echo "arch=$3"',
      'v=; { IFS= read -r v </etc/machine-id; } 2>/dev/null; echo "machine-id=$v"',
      'v=; { while IFS= read -r v; do case $v in PRETTY_NAME=*) echo "os=$v"; break;; esac; done </etc/os-release; } 2>/dev/null',
      'v=; { IFS= read -r v </proc/sys/kernel/random/boot_id; } 2>/dev/null; echo "boot-id=$v"',
      `v=$(id); w=\${v#*"("}; v=\${v#uid=}; echo "uid=\${v%%[!0-9]*}"; echo "user=\${SUDO_USER:-\${DOAS_USER:-\${w%%")"*}}}"`,
      'echo "by=$hop_by"; printf "%s\\n" "sudo=$hop_sudo" "doas=$hop_doas"',
      '[ -r /proc/1/stat ] || echo hidden=1',
      `awk '/^cpu[0-9]/ { n++ } /^btime/ { b = $0 } END { print "cpus=" n; print "boot-time=" b }' /proc/stat`,
      'echo "containerd=$(PATH=$PATH:/var/lib/rancher/k3s/data/current/bin:/var/lib/rancher/rke2/bin:/snap/microk8s/current/bin; containerd --version 2>/dev/null)"',
      'echo "crio=$(crio --version 2>/dev/null | head -n 1)"',
      // Docker is on many nodes; it is a runtime of pods where a shim for it listens.
      'v=; for s in /run/cri-dockerd.sock /run/dockershim.sock; do [ ! -S "$s" ] || v=$(dockerd --version 2>/dev/null); done; echo "docker=$v"',
    ].join('; '),
    why: 'Who the node is, what it runs, and since when it has been up.',
    limit: 16_384,
    timeout: 5,
    slight: true,
  },
  cadence: {when: 'once'},
  formats: [
    {
      name: 'uname@1',
      label: 'uname -a',
      looks: ({lines}) => lines.some(line => UNAME.test(line)),
      redact: keepUname,
    },
  ],
  contribute(reply) {
    const {identity, problems} = pastedIdentity(reply);
    const gaps = gapsOf(reply, {name: 'sh'}, problems);
    return identity ? {node: {identity: dated(reply, identity)}, gaps} : {gaps};
  },
  redact(out) {
    const replaced = textOf(out, 0, out.length).replace(
      /^(machine-id=)(.+)$/gm,
      (_, label: string, id: string) => label + maskMachineId(id),
    );
    return new TextEncoder().encode(replaced);
  },
};
