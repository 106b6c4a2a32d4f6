/**
 * A node with many pods, as far as reading it is concerned: process, mount and network namespaces of their own, and
 * in them a network namespace for each pod with a veth, an address, a default route and established TCP connections.
 * Needs root, and of Debian util-linux, iproute2 and perl-base. Nothing has a name, so nothing can collide or stay
 * behind: all of it ends with its first process, and that ends when its input does.
 */
import {spawn, spawnSync} from 'node:child_process';
import {once} from 'node:events';
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {createInterface} from 'node:readline';

export type Crowd = {
  /** A program to use as `/bin/sh`, which runs inside the node. */
  readonly shell: string;
  end(): Promise<void>;
};

/** One pod: `perl -e POD NUMBER CONNECTIONS TALKS`. Each connection is two sockets; one talks twice a second, or none. */
const POD = `
use IO::Socket::INET;
my ($pod, $connections, $talks) = @ARGV;
system("ip link set lo up && ip link add v0 type veth peer name v1 && ip addr add 10.9.$pod.2/24 dev v0"
  . " && ip link set v0 up && ip link set v1 up && ip route add default via 10.9.$pod.1") == 0 or die;
my $server = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => 8000, Listen => 100, ReuseAddr => 1) or die $!;
my @kept;
for (1 .. $connections) {
  my $client = IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => 8000) or die $!;
  my $served = $server->accept or die $!;
  syswrite $client, "x" x 10; sysread $served, my $got, 10;
  push @kept, $client, $served;
}
syswrite STDOUT, "ready\\n";
sleep 1000 while !$talks;
while (1) { select undef, undef, undef, 0.5; syswrite $kept[0], "x" x 10; sysread $kept[1], my $got, 10; }
`;

const FIRST = `mount -t tmpfs none /run && ip link set lo up || exit 1
i=0; while [ $i -lt "$1" ]; do unshare --net perl -e "$4" $i "$2" "$3" & i=$((i + 1)); done
read line`;

/** Why no crowd can be made here; undefined when one can. */
export function crowdMissing(): string | undefined {
  if (process.platform !== 'linux') return 'it takes Linux';
  if (process.getuid?.() !== 0) return 'it takes root, to make network namespaces';
  const tools = {ip: '-V', ss: '-V', unshare: '-V', nsenter: '-V', perl: '-v'};
  const absent = Object.entries(tools).filter(([tool, version]) => spawnSync(tool, [version]).error);
  return absent.length > 0 ? `not installed: ${absent.map(([tool]) => tool).join(', ')}` : undefined;
}

/** In a quiet crowd nothing moves; otherwise one connection of each pod talks all the time. */
export async function createCrowd(pods: number, sockets: number, quiet: boolean): Promise<Crowd> {
  const own = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const arguments_ = [String(pods), String(sockets / 2), quiet ? '' : 'talks', POD];
  const child = spawn('unshare', [...own, 'sh', '-c', FIRST, 'sh', ...arguments_], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const gone = once(child, 'exit');
  const folder = mkdtempSync(join(tmpdir(), 'hoptop-crowd-'));
  const end = async () => {
    child.stdin.end();
    await gone;
    rmSync(folder, {recursive: true, force: true});
  };
  try {
    let ready = 0;
    for await (const line of createInterface({input: child.stdout}))
      if (line === 'ready' && ++ready === pods) break;
    if (ready < pods) throw new Error(`Only ${ready} of ${pods} pods started.`);
    const first = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim();
    const shell = join(folder, 'sh');
    const enter = `nsenter --target ${first} --mount --pid --net`;
    writeFileSync(shell, `#!/bin/sh\nexec ${enter} -- /bin/sh "$@"\n`, {mode: 0o755});
    return {shell, end};
  } catch (error) {
    await end();
    throw error;
  }
}
