/** What tests and demonstrations break on a running lab, and mend again. */
import {copyFile, readFile} from 'node:fs/promises';
import {groupOf, machineHierarchies, processesIn} from './cgroups.ts';
import {makeHostKey} from './keys.ts';
import {enter, startSshd, uplink} from './node.ts';
import {run} from './run.ts';
import type {LabState, RunningNode} from './state.ts';

/** Ends a node's sshd: the listener and every session, at once, as when the daemon crashes. */
export const stopSshd = async (lab: LabState, node: RunningNode) => {
  const [hierarchy] = await machineHierarchies();
  for (const pid of await processesIn(groupOf(hierarchy!, lab.name, node.name))) {
    const command = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
    if (command.trim() === 'sshd') process.kill(pid, 'SIGKILL');
  }
};

export {startSshd};

/** Gives a node a new host key and restarts its sshd; the lab's known_hosts keeps the old one. */
export const changeHostKey = async (lab: LabState, node: RunningNode) => {
  const file = await makeHostKey(lab.name, node.name);
  const etc = `/proc/${node.init.pid}/root/etc/ssh`;
  await copyFile(file, `${etc}/ssh_host_ed25519_key`);
  await copyFile(`${file}.pub`, `${etc}/ssh_host_ed25519_key.pub`);
  await stopSshd(lab, node);
  await startSshd(node);
};

/** Sets the fabric's end of a node's uplink; `down` takes the node's carrier away. */
export const setUplink = (lab: LabState, node: RunningNode, state: 'up' | 'down') =>
  run(['ip', '-n', lab.fabric, 'link', 'set', uplink(node.name), state]);

/** The words that run a command in a node of a lab. */
export const inNode = (node: RunningNode, command: readonly string[]) => enter(node.init.pid, command);
