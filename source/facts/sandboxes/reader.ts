import type {Reader} from '../../wire/source.ts';

/**
 * Directories in which runtimes keep one directory for each of Kubernetes' containers.
 *
 * containerd (`defaults_unix.go`: state /run/containerd; bundles below `io.containerd.runtime.v2.task/NAMESPACE`, the
 * first runtime's below `…v1.linux`), k3s and RKE2 (`pkg/agent/containerd`: state /run/k3s/containerd), MicroK8s
 * (`$SNAP_COMMON/run/containerd`); CRI-O (containers/storage: `overlay-containers/ID/userdata` below the run root);
 * Docker (`containers/ID` below the data root), which dockershim and cri-dockerd label.
 */
const KNOWN = [
  '/run/containerd/io.containerd.runtime.v2.task/k8s.io',
  '/run/containerd/io.containerd.runtime.v1.linux/k8s.io',
  '/run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io',
  '/var/snap/microk8s/common/run/containerd/io.containerd.runtime.v2.task/k8s.io',
  '/run/containers/storage/overlay-containers',
  '/var/lib/docker/containers',
];

/** The same as the shell globs them, for the fingerprint that tells when containers came or went. */
export const CONTAINER_GLOBS = KNOWN.map(path => `${path}/*`).join(' ');

/**
 * Where a runtime was told to keep its state elsewhere, what it mounts there tells: a container's root file system
 * (containerd), a sandbox's shared memory (CRI-O, Docker). Prints those directories; a path that a shell would not take
 * for one word is left out.
 */
const MOUNTED = [
  '{d=$2;if(d~/\\/io\\.containerd\\.runtime\\.v[0-9]+\\.[a-z]+\\/k8s\\.io\\/[^\\/]+\\/rootfs$/)sub(/\\/[^\\/]+\\/rootfs$/,"",d);',
  'else if(d~/\\/overlay-containers\\/[^\\/]+\\/userdata\\/shm$/)sub(/\\/[^\\/]+\\/userdata\\/shm$/,"",d);',
  'else if(d~/\\/containers\\/[^\\/]+\\/mounts\\/shm$/)sub(/\\/[^\\/]+\\/mounts\\/shm$/,"",d);',
  'else next;if(!(d in s)&&d!~/[^A-Za-z0-9._\\/+@%-]/){s[d];printf " %s",d}}',
].join('');

const STRING = '"([^"\\\\]|\\\\.)*"';

/** What is asked of the files: these keys and no others, so that no environment leaves the node. */
const ASKED = [
  '"io\\.kubernetes\\.cri\\.(container-type|sandbox-(id|name|namespace|uid)|container-name|image-name)"',
  '"io\\.kubernetes\\.cri-o\\.(ContainerType|SandboxID|ImageName)"',
  '"io\\.kubernetes\\.(pod\\.(name|namespace|uid)|container\\.name|docker\\.type|sandbox\\.id)"',
];

const LINES = [
  `(${ASKED.join('|')}): ?${STRING}`,
  '"type":"network","path":"[^"]*"',
  '"path": "[^"]*/netns/[^"]*"',
  '"(SandboxKey|Image)":"[^"]*"',
  '"Pid":[0-9]+',
  '^[0-9]+$',
].join('|');

export const STATE_READER: Reader = {
  name: 'runtime-state@1',
  fact: 'sandboxes',
  scope: 'node',
  command: [
    `unset IFS; b='${KNOWN.join(' ')}'`,
    `add() { case $1 in */k8s.io) f="config.json init.pid";; */overlay-containers) f="userdata/config.json userdata/pidfile";; *) f=config.v2.json;; esac; for x in $f; do a="$a $1/*/$x"; done; }`,
    'a=; s=" "',
    `for d in $b $(awk '${MOUNTED}' /proc/self/mounts); do case $s in *" $d "*) continue;; esac; s="$s$d "; [ ! -d "$d" ] || add "$d"; done`,
    // A runtime in a container (kind, k3d) has a file system of its own; one that has this one's is no other. Two daemons
    // of one container name the same files twice, which the parser takes as one.
    `[ "$hop_uid" != 0 ] || for p in $(grep -lsxE 'containerd|crio|dockerd' /proc/[0-9]*/comm); do for d in $b; do r=\${p%/comm}/root$d; if [ -d "$r" ] && ! [ "$r" -ef "$d" ]; then add "$r"; fi; done; done 2>/dev/null`,
    'set -- /var/log/pods/*_*_*; [ ! -e "$1" ] || printf "%s\\n" "$@"',
    '[ -n "$a" ] && [ "$hop_uid" = 0 ] || { set -- /var/log/containers/*.log; [ ! -h "$1" ] || printf "%s\\n" "$@"; }',
    `[ -z "$a" ] || grep -asHoE '${LINES}' $a`,
  ].join('; '),
  why: 'Names of pods and containers, as containerd, CRI-O or Docker left them on disk, and of their log files; only these few keys leave the node, never an environment.',
  withoutRoot:
    'What container runtimes keep is not readable: pods have the names of their log directories, at best.',
  limit: 16_000_000,
  timeout: 5,
};
