/**
 * The iptables rules that kube-proxy writes for services (k8s.io/kubernetes, pkg/proxy/iptables/proxier.go): its chain
 * names, its comments and its order, written once instead of kept up to date.
 */
import {createHash} from 'node:crypto';
import type {ServicePlan} from './topology.ts';
import {comment} from './wiring.ts';

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** The first 16 characters of the base32 (RFC 4648) of a sha256: what kube-proxy puts behind KUBE-SVC- and KUBE-SEP-. */
const shortHash = (text: string) => {
  const bits = [...createHash('sha256').update(text).digest().subarray(0, 10)]
    .map(byte => byte.toString(2).padStart(8, '0'))
    .join('');
  return (bits.match(/.{5}/g) ?? []).map(five => BASE32[Number.parseInt(five, 2)]).join('');
};

/** The name in chains' hashes and comments, e.g. `shop/cart:api`. */
const portName = (service: ServicePlan, port: ServicePlan['ports'][number]) =>
  `${service.namespace}/${service.name}:${port.name}`;

export const serviceChain = (service: ServicePlan, port: ServicePlan['ports'][number]) =>
  `KUBE-SVC-${shortHash(portName(service, port) + port.protocol)}`;

export const endpointChain = (service: ServicePlan, port: ServicePlan['ports'][number], endpoint: string) =>
  `KUBE-SEP-${shortHash(portName(service, port) + port.protocol + endpoint)}`;

export const externalChain = (service: ServicePlan, port: ServicePlan['ports'][number]) =>
  `KUBE-EXT-${shortHash(portName(service, port) + port.protocol)}`;

/** What differs between iptables and ip6tables. */
export type Family = 'ipv4' | 'ipv6';
const HOST_LENGTH = {ipv4: 32, ipv6: 128};
const UNREACHABLE = {ipv4: 'icmp-port-unreachable', ipv6: 'icmp6-port-unreachable'};
const withPort = (address: string, port: number) =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;

const PORTAL = comment('kubernetes service portals');
const EXTERNAL = comment('kubernetes externally-visible service portals');
const FORWARDING = comment('kubernetes forwarding rules');

/**
 * The jumps from the built-in chains, which kube-proxy puts before everybody else's: for
 * `iptables-restore --noflush`, once, into empty tables.
 */
export const kubeProxyJumps = (): string =>
  `${[
    '*filter',
    ...['KUBE-SERVICES', 'KUBE-EXTERNAL-SERVICES', 'KUBE-FORWARD'].map(chain => `:${chain} - [0:0]`),
    `-A INPUT -m conntrack --ctstate NEW ${EXTERNAL} -j KUBE-EXTERNAL-SERVICES`,
    `-A FORWARD ${FORWARDING} -j KUBE-FORWARD`,
    `-A FORWARD -m conntrack --ctstate NEW ${PORTAL} -j KUBE-SERVICES`,
    `-A FORWARD -m conntrack --ctstate NEW ${EXTERNAL} -j KUBE-EXTERNAL-SERVICES`,
    `-A OUTPUT -m conntrack --ctstate NEW ${PORTAL} -j KUBE-SERVICES`,
    'COMMIT',
    '*nat',
    ...['KUBE-SERVICES', 'KUBE-POSTROUTING'].map(chain => `:${chain} - [0:0]`),
    `-A PREROUTING ${PORTAL} -j KUBE-SERVICES`,
    `-A OUTPUT ${PORTAL} -j KUBE-SERVICES`,
    `-A POSTROUTING ${comment('kubernetes postrouting rules')} -j KUBE-POSTROUTING`,
    'COMMIT',
  ].join('\n')}\n`;

/**
 * kube-proxy's own chains of one family, for `iptables-restore --noflush` or `ip6tables-restore --noflush`.
 * @param endpoints addresses of that family of the pods behind a service
 */
export const kubeProxyRules = (
  services: readonly ServicePlan[],
  clusterCidr: string,
  endpoints: (service: ServicePlan) => readonly string[],
  family: Family = 'ipv4',
): string => {
  const host = HOST_LENGTH[family];
  const chains: string[] = [];
  const portals: string[] = [];
  const external: string[] = [];
  const balanced: string[] = [];
  const rejected: string[] = [];
  for (const service of services) {
    const vip = family === 'ipv4' ? service.clusterIp : service.clusterIp6;
    if (!vip) continue;
    for (const port of service.ports) {
      const name = portName(service, port);
      const {protocol, nodePort} = port;
      const matches = (say: string) =>
        `-d ${vip}/${host} -p ${protocol} ${comment(`${name} ${say}`)} -m ${protocol} --dport ${port.port}`;
      const behind = endpoints(service).map(address => withPort(address, port.targetPort));
      if (!behind.length) {
        const reject = `-j REJECT --reject-with ${UNREACHABLE[family]}`;
        rejected.push(`-A KUBE-SERVICES ${matches('has no endpoints')} ${reject}`);
        if (nodePort)
          rejected.push(
            `-A KUBE-EXTERNAL-SERVICES -p ${protocol} ${comment(`${name} has no endpoints`)} -m addrtype --dst-type LOCAL -m ${protocol} --dport ${nodePort} ${reject}`,
          );
        continue;
      }
      const chain = serviceChain(service, port);
      chains.push(chain);
      portals.push(`-A KUBE-SERVICES ${matches('cluster IP')} -j ${chain}`);
      if (nodePort) {
        const outside = externalChain(service, port);
        chains.push(outside);
        external.push(
          `-A KUBE-NODEPORTS -p ${protocol} ${comment(name)} -m ${protocol} --dport ${nodePort} -j ${outside}`,
          `-A ${outside} ${comment(`masquerade traffic for ${name} external destinations`)} -j KUBE-MARK-MASQ`,
          `-A ${outside} -j ${chain}`,
        );
      }
      balanced.push(`-A ${chain} ! -s ${clusterCidr} ${matches('cluster IP')} -j KUBE-MARK-MASQ`);
      for (const [index, endpoint] of behind.entries()) {
        const left = behind.length - index;
        const chance = left > 1 ? ` -m statistic --mode random --probability ${(1 / left).toFixed(11)}` : '';
        const jump = endpointChain(service, port, endpoint);
        const source = endpoints(service)[index]!;
        chains.push(jump);
        balanced.push(
          `-A ${chain} ${comment(`${name} -> ${endpoint}`)}${chance} -j ${jump}`,
          `-A ${jump} -s ${source}/${host} ${comment(name)} -j KUBE-MARK-MASQ`,
          `-A ${jump} -p ${protocol} ${comment(name)} -m ${protocol} -j DNAT --to-destination ${endpoint}`,
        );
      }
    }
  }
  const nat = ['KUBE-SERVICES', 'KUBE-NODEPORTS', 'KUBE-POSTROUTING', 'KUBE-MARK-MASQ', ...chains];
  return `${[
    '*filter',
    ':KUBE-SERVICES - [0:0]',
    ':KUBE-EXTERNAL-SERVICES - [0:0]',
    ':KUBE-FORWARD - [0:0]',
    '-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP',
    `-A KUBE-FORWARD ${FORWARDING} -m mark --mark 0x4000/0x4000 -j ACCEPT`,
    `-A KUBE-FORWARD ${comment('kubernetes forwarding conntrack rule')} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`,
    ...rejected,
    'COMMIT',
    '*nat',
    ...nat.map(chain => `:${chain} - [0:0]`),
    '-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000',
    '-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN',
    '-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0',
    `-A KUBE-POSTROUTING ${comment('kubernetes service traffic requiring SNAT')} -j MASQUERADE --random-fully`,
    ...portals,
    `-A KUBE-SERVICES ${comment('kubernetes service nodeports; NOTE: this must be the last rule in this chain')} -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS`,
    ...external,
    ...balanced,
    'COMMIT',
  ].join('\n')}\n`;
};
