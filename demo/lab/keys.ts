/** Who may log in to a lab: one key for the user, one host key for each node, and the files ssh clients read. */
import {copyFile, mkdir, readFile, rm, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {run} from './run.ts';
import {labDir, nodeDir} from './state.ts';
import type {MachinePlan, Topology} from './topology.ts';

export const keyFile = (lab: string) => join(labDir(lab), 'id_ed25519');
export const knownHostsFile = (lab: string) => join(labDir(lab), 'known_hosts');
export const inventoryFile = (lab: string) => join(labDir(lab), 'inventory.yaml');
const hostKeyFile = (lab: string, node: string) => join(nodeDir(lab, node), 'ssh_host_ed25519_key');

const generate = async (file: string, comment: string) => {
  await rm(file, {force: true});
  await rm(`${file}.pub`, {force: true});
  await run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', comment, '-f', file]);
};

/** A new host key for a node; gives the path of its private half. */
export const makeHostKey = async (lab: string, node: string) => {
  await generate(hostKeyFile(lab, node), `root@${node}`);
  return hostKeyFile(lab, node);
};

/** Makes all keys of a lab, `known_hosts` with the host keys of nodes and routers, and the inventory of the nodes. */
export const makeKeys = async (lab: string, topology: Topology) => {
  const machines: readonly MachinePlan[] = [...topology.nodes, ...(topology.routers ?? [])];
  await Promise.all([
    generate(keyFile(lab), `hoptop-lab-${lab}`),
    ...machines.map(async node => {
      await mkdir(nodeDir(lab, node.name), {recursive: true});
      await makeHostKey(lab, node.name);
    }),
  ]);
  const lines = await Promise.all(
    machines.map(async node => {
      const [kind, key] = (await readFile(`${hostKeyFile(lab, node.name)}.pub`, 'utf8')).split(' ');
      return `${node.address} ${kind} ${key}\n`;
    }),
  );
  await writeFile(knownHostsFile(lab), lines.join(''));
  const inventory = topology.nodes.map(
    node => `  - {name: ${node.name}, host: ${node.address}, user: root, port: 22}\n`,
  );
  await writeFile(inventoryFile(lab), `nodes:\n${inventory.join('')}`);
};

/** Puts a node's host key and the user's public key below `etc/ssh` of a directory. */
export const placeKeys = async (lab: string, node: string, etcSsh: string) => {
  await copyFile(hostKeyFile(lab, node), join(etcSsh, 'ssh_host_ed25519_key'));
  await copyFile(`${hostKeyFile(lab, node)}.pub`, join(etcSsh, 'ssh_host_ed25519_key.pub'));
  await copyFile(`${keyFile(lab)}.pub`, join(etcSsh, 'authorized_keys'));
};
