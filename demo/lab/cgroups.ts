/**
 * The control groups of a lab: `hoptop-lab/LAB/NODE` in every hierarchy of the machine. Each node sees its own as the
 * root (a cgroup namespace), so that paths read there look as on a real node. They also tell which processes a lab
 * has, whatever became of its state file.
 */
import {mkdir, readdir, readFile, rmdir, writeFile} from 'node:fs/promises';
import {join} from 'node:path';

export type Hierarchy = {
  readonly mount: string;
  /** Options to mount the same hierarchy again, or `2` for cgroup2. */
  readonly options: string;
};

const IGNORED = /^(rw|ro|xattr|nsdelegate|memory_.*|release_agent=.*|clone_children)$/;

/** Hierarchies of a mountinfo text (proc_pid_mountinfo(5)) that are mounted on /sys/fs/cgroup or right below it. */
export const hierarchies = (mountinfo: string): Hierarchy[] =>
  mountinfo.split('\n').flatMap(line => {
    const [left = '', right = ''] = line.split(' - ');
    const mount = left.split(' ')[4] ?? '';
    const [kind, , options = ''] = right.split(' ');
    if (!/^\/sys\/fs\/cgroup(\/[^/]+)?$/.test(mount)) return [];
    if (kind === 'cgroup2') return [{mount, options: '2'}];
    if (kind !== 'cgroup') return [];
    const own = options.split(',').filter(option => !IGNORED.test(option));
    return [
      {
        mount,
        options: own.some(option => option.startsWith('name=')) ? ['none', ...own].join(',') : own.join(','),
      },
    ];
  });

/** @throws when the machine has no control groups mounted on /sys/fs/cgroup. */
export const machineHierarchies = async (): Promise<Hierarchy[]> => {
  const found = hierarchies(await readFile('/proc/self/mountinfo', 'utf8'));
  if (!found.length)
    throw new Error(
      'No control groups are mounted on /sys/fs/cgroup of this machine; containerd needs them.',
    );
  return found;
};

/** What node-init.sh takes as its third argument. */
export const initArgument = (all: readonly Hierarchy[]) =>
  all.length === 1 && all[0]!.mount === '/sys/fs/cgroup'
    ? '2'
    : all.map(({mount, options}) => `${mount.slice('/sys/fs/cgroup/'.length)}=${options}`).join(' ');

export const groupOf = (hierarchy: Hierarchy, lab: string, node = '') =>
  join(hierarchy.mount, 'hoptop-lab', lab, node);

const silently = async (work: Promise<unknown>) => void (await work.catch(() => {}));

/** Makes a node's groups and gives their `cgroup.procs` files. */
export const makeGroups = async (all: readonly Hierarchy[], lab: string, node: string): Promise<string[]> => {
  for (const hierarchy of all) {
    let at = hierarchy.mount;
    for (const part of ['hoptop-lab', lab, node]) {
      const parent = at;
      at = join(at, part);
      // cgroup2: children get only the controllers that the parent hands down; which there are differs.
      if (hierarchy.options === '2')
        for (const controller of ['cpu', 'memory', 'pids', 'io', 'cpuset'])
          await silently(writeFile(join(parent, 'cgroup.subtree_control'), `+${controller}`));
      await mkdir(at, {recursive: true});
      // cpuset, version 1: a new group has no processors and takes no process until it is given some.
      for (const file of ['cpuset.cpus', 'cpuset.mems'])
        await silently(readFile(join(parent, file), 'utf8').then(text => writeFile(join(at, file), text)));
    }
  }
  return all.map(hierarchy => join(groupOf(hierarchy, lab, node), 'cgroup.procs'));
};

const below = async (group: string): Promise<string[]> => {
  const entries = await readdir(group, {withFileTypes: true}).catch(() => []);
  const inner = await Promise.all(
    entries.filter(entry => entry.isDirectory()).map(entry => below(join(group, entry.name))),
  );
  return [...inner.flat(), group];
};

/** Process ids (as this machine numbers them) in a group and all groups below it. */
export const processesIn = async (group: string): Promise<number[]> => {
  const texts = await Promise.all(
    (await below(group)).map(each => readFile(join(each, 'cgroup.procs'), 'utf8').catch(() => '')),
  );
  return texts.flatMap(text => text.split('\n').filter(Boolean).map(Number));
};

/** Removes a lab's groups, deepest first; a group with processes stays. */
export const removeGroups = async (all: readonly Hierarchy[], lab: string) => {
  for (const hierarchy of all) {
    for (const group of await below(groupOf(hierarchy, lab))) await silently(rmdir(group));
    await silently(rmdir(join(hierarchy.mount, 'hoptop-lab')));
  }
};
