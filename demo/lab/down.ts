/** Takes a lab away: by the processes its state file names, then by what its cgroups still hold. */
import {rm, rmdir} from 'node:fs/promises';
import {groupOf, machineHierarchies, processesIn, removeGroups} from './cgroups.ts';
import {eventually, hasNetns, run} from './run.ts';
import {fabricOf, isAlive, LABS, labDir, type Process, readState} from './state.ts';

const kill = (pid: number) => {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
};

/**
 * Ends everything of a lab and removes its namespaces, cgroups and files. Does nothing for what is not there.
 * @throws when a process of it does not die.
 */
export const down = async (name: string) => {
  const state = await readState(name);
  const processes: Process[] = [...(state?.nodes ?? []), ...(state?.routers ?? [])].flatMap(node => [
    node.init,
    node.parent,
  ]);
  for (const each of processes) if (await isAlive(each)) kill(each.pid);
  const all = await machineHierarchies();
  await eventually(15, async () => {
    // Whatever is in the lab's own groups is the lab's; this finds what a crash kept out of the state file.
    const left = (await Promise.all(all.map(hierarchy => processesIn(groupOf(hierarchy, name))))).flat();
    const gone = await Promise.all(processes.map(async each => !(await isAlive(each))));
    if (!left.length && gone.every(Boolean)) return;
    for (const pid of new Set(left)) kill(pid);
    throw new Error(`Processes of lab ${name} do not die: ${[...new Set(left)].join(', ')}.`);
  });
  if (await hasNetns(fabricOf(name))) await run(['ip', 'netns', 'delete', fabricOf(name)]);
  await removeGroups(all, name);
  await rm(labDir(name), {recursive: true, force: true});
  await rmdir(LABS).catch(() => {}); // other labs may live there
};
