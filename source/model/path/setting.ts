import type {Namespace} from '../graph.ts';
import {type Clue, evidenceOf} from './hop.ts';

/** A kernel setting of a namespace as `sysctl` names it, with its evidence; undefined when it was not read. */
export function setting(namespace: Namespace, name: string): {value: string; clue: Clue} | undefined {
  const {facts} = namespace;
  const row = facts?.sysctls?.value.find(one => one.name === name);
  if (!row) return undefined;
  const fact = namespace.kind === 'host' ? 'sysctls' : 'netns-sysctls';
  return {
    value: row.value,
    clue: {
      by: 'setting',
      text: `${name} = ${row.value}`,
      evidence: evidenceOf(namespace, fact, facts?.sysctls, row),
    },
  };
}

/** An interface's own setting; a dot in its name is written as a slash, as `sysctl(8)` does it. */
export function interfaceSetting(
  namespace: Namespace,
  family: 4 | 6,
  device: string,
  name: string,
): {value: string; clue: Clue} | undefined {
  return setting(namespace, `net.ipv${family}.conf.${device.replaceAll('.', '/')}.${name}`);
}

/** The setting that forbids forwarding what comes in by a device; undefined when none read does. */
export function noForwarding(namespace: Namespace, family: 4 | 6, device: string): Clue | undefined {
  const own = family === 4 ? interfaceSetting(namespace, 4, device, 'forwarding') : undefined;
  const all = setting(namespace, family === 4 ? 'net.ipv4.ip_forward' : 'net.ipv6.conf.all.forwarding');
  const decides = own ?? all;
  return decides?.value === '0' ? decides.clue : undefined;
}

/**
 * How strictly sources are checked on a device: the higher of the setting of all and its own (kernel,
 * networking/ip-sysctl). 1: the way back must leave by the same device; 2: there must be one.
 */
export function reversePath(namespace: Namespace, device: string): {value: number; clue: Clue} | undefined {
  const found = [
    interfaceSetting(namespace, 4, 'all', 'rp_filter'),
    interfaceSetting(namespace, 4, device, 'rp_filter'),
  ]
    .flatMap(one => (one ? [{value: Number(one.value), clue: one.clue}] : []))
    .sort((a, b) => b.value - a.value);
  return found[0];
}
