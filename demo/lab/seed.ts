/** The files a node has of its own: laid over the machine's root when the node is made. */
import {randomBytes} from 'node:crypto';
import {chmod, mkdir, readFile, writeFile} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {wiringOf} from './datapath.ts';
import {placeKeys} from './keys.ts';
import {nodeDir} from './state.ts';
import type {MachinePlan, Topology} from './topology.ts';

/** Where the lab's own scripts are in a node. */
const LIBEXEC = '/usr/local/libexec';
export const ENTER = `${LIBEXEC}/lab-enter`;

const here = import.meta.dirname;

const CONTAINERD = `version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "hoptop.lab/pause:1"
  # Without CAP_SYS_RESOURCE a lower oom_score_adj is refused and runc dies with an EOF on its pipe.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "/etc/cni/net.d"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
`;

const sshd = (address: string) => `Port 22
ListenAddress ${address}
HostKey /etc/ssh/ssh_host_ed25519_key
PidFile /run/sshd.pid
AuthorizedKeysFile /etc/ssh/authorized_keys
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
PrintMotd no
PrintLastLog no
Subsystem sftp internal-sftp
`;

/** Two ordinary users: `oncall` may use sudo without a password, `visitor` may not. */
const USERS = [
  {name: 'oncall', id: 1801},
  {name: 'visitor', id: 1802},
];

/** Adds the users to the text of the machine's passwd, group or shadow, whichever the function writes a line of. */
const added = async (file: string, line: (user: {name: string; id: number}) => string) =>
  `${(await readFile(file, 'utf8')).trimEnd()}\n${USERS.map(line).join('\n')}\n`;

/** Writes DIR/seed of a node. */
export const writeSeed = async (lab: string, topology: Topology, node: MachinePlan) => {
  const seed = join(nodeDir(lab, node.name), 'seed');
  const put = async (path: string, text: string, mode = 0o644) => {
    const file = join(seed, path);
    await mkdir(dirname(file), {recursive: true});
    await writeFile(file, text);
    await chmod(file, mode);
  };
  const others = [...topology.nodes, ...((topology.routers ?? []) as readonly MachinePlan[])]
    .flatMap(each => [each.address, each.address6 ?? []].flat().map(address => `${address} ${each.name}\n`))
    .join('');
  await put('etc/hostname', `${node.name}\n`);
  await put('etc/hosts', `127.0.0.1 localhost\n::1 localhost ip6-localhost\n${others}`);
  await put('etc/machine-id', `${randomBytes(16).toString('hex')}\n`, 0o444);
  await put('etc/containerd/config.toml', CONTAINERD);
  await put('etc/ssh/sshd_config', sshd(node.address));
  await placeKeys(lab, node.name, join(seed, 'etc/ssh'));
  await put(
    'etc/passwd',
    await added('/etc/passwd', ({name, id}) => `${name}:x:${id}:${id}::/home/${name}:/bin/bash`),
  );
  await put('etc/group', await added('/etc/group', ({name, id}) => `${name}:x:${id}:`));
  await put('etc/shadow', await added('/etc/shadow', ({name}) => `${name}:*:20000:0:99999:7:::`), 0o640);
  await put('etc/sudoers.d/oncall', 'oncall ALL=(ALL) NOPASSWD: ALL\n', 0o440);
  const {files, plugins = []} = wiringOf(topology, node);
  for (const {path, text} of files) await put(path, text);
  const script = async (from: string, to: string) => put(to, await readFile(join(here, from), 'utf8'), 0o755);
  await script('enter.sh', ENTER);
  await script('reap.sh', `${LIBEXEC}/lab-reap`);
  for (const plugin of plugins) await script(plugin.script, `/usr/lib/cni/${plugin.name}`);
};
