/** Says what this machine lacks for a lab, before anything is made. */
import {constants} from 'node:fs';
import {access} from 'node:fs/promises';
import {delimiter, isAbsolute, join} from 'node:path';
import {run} from './run.ts';

/** A file the lab needs, and the Debian package that brings it. */
const NEEDED: readonly (readonly [file: string, debianPackage: string])[] = [
  ['/usr/sbin/sshd', 'openssh-server'],
  ['ssh-keygen', 'openssh-client'],
  ['containerd', 'containerd'],
  ['ctr', 'containerd'],
  ['runc', 'runc'],
  ['/usr/lib/cni/bridge', 'containernetworking-plugins'],
  ['/usr/lib/cni/host-local', 'containernetworking-plugins'],
  ['iptables-restore', 'iptables'],
  ['conntrack', 'conntrack'],
  ['ip', 'iproute2'],
  ['ss', 'iproute2'],
  ['sysctl', 'procps'],
  ['bird', 'bird2'],
  ['ip6tables-restore', 'iptables'],
  ['/usr/lib/cni/portmap', 'containernetworking-plugins'],
  ['sudo', 'sudo'],
  ['tcpdump', 'tcpdump'],
  ['perl', 'perl-base'],
  ['tar', 'tar'],
  ['unshare', 'util-linux'],
  ['nsenter', 'util-linux'],
  ['pivot_root', 'util-linux'],
];

const SBIN = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

const isThere = async (file: string) => {
  const places = isAbsolute(file)
    ? [file]
    : [...(process.env['PATH'] ?? '').split(delimiter), ...SBIN].map(dir => join(dir, file));
  const found = await Promise.all(
    places.map(place =>
      access(place, constants.X_OK).then(
        () => true,
        () => false,
      ),
    ),
  );
  return found.includes(true);
};

/** busybox has to be the static one: the image holds nothing that a dynamic one would load. ldd(1) fails on a static file. */
const hasStaticBusybox = async () =>
  (await isThere('/bin/busybox')) &&
  (await run(['ldd', '/bin/busybox']).then(
    () => false,
    () => true,
  ));

/** One sentence for each thing that is missing, with what to do; empty when a lab can be made. */
export const whatIsMissing = async (): Promise<string[]> => {
  const packages = new Set<string>();
  for (const [file, debianPackage] of NEEDED) if (!(await isThere(file))) packages.add(debianPackage);
  if (!(await hasStaticBusybox())) packages.add('busybox-static');
  const sentences: string[] = [];
  if (packages.size)
    sentences.push(`Debian packages are missing: run \`apt-get install ${[...packages].join(' ')}\`.`);
  if (process.platform !== 'linux') sentences.push('The lab needs Linux: its nodes are kernel namespaces.');
  else if (process.getuid?.() !== 0) sentences.push('The lab needs root: run it with sudo.');
  else if (!packages.has('util-linux'))
    await run(['unshare', '--mount', '--net', '--pid', '--uts', '--ipc', '--cgroup', '--fork', 'true']).catch(
      (error: Error) =>
        sentences.push(
          `Root may not make namespaces here (a container without the right to?): ${error.message}`,
        ),
    );
  return sentences;
};
