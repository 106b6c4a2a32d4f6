/**
 * The iptables rules that kube-proxy writes for services (k8s.io/kubernetes, pkg/proxy/iptables/proxier.go): its chain
 * names, its comments and its order, written once instead of kept up to date.
 */
import {createHash} from 'node:crypto';
import type {ServicePlan} from './topology.ts';

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

const comment = (text: string) => `-m comment --comment "${text}"`;

/**
 * The text for iptables-restore.
 * @param endpoints addresses of the pods behind a service
 */
export const kubeProxyRules = (
  services: readonly ServicePlan[],
  clusterCidr: string,
  endpoints: (service: ServicePlan) => readonly string[],
): string => {
  const chains: string[] = [];
  const portals: string[] = [];
  const balanced: string[] = [];
  const rejected: string[] = [];
  for (const service of services)
    for (const port of service.ports) {
      const name = portName(service, port);
      const {protocol} = port;
      const matches = (say: string) =>
        `-d ${service.clusterIp}/32 -p ${protocol} ${comment(`${name} ${say}`)} -m ${protocol} --dport ${port.port}`;
      const behind = endpoints(service).map(address => `${address}:${port.targetPort}`);
      if (!behind.length) {
        rejected.push(
          `-A KUBE-SERVICES ${matches('has no endpoints')} -j REJECT --reject-with icmp-port-unreachable`,
        );
        continue;
      }
      const chain = serviceChain(service, port);
      chains.push(chain);
      portals.push(`-A KUBE-SERVICES ${matches('cluster IP')} -j ${chain}`);
      balanced.push(`-A ${chain} ! -s ${clusterCidr} ${matches('cluster IP')} -j KUBE-MARK-MASQ`);
      for (const [index, endpoint] of behind.entries()) {
        const left = behind.length - index;
        const chance = left > 1 ? ` -m statistic --mode random --probability ${(1 / left).toFixed(11)}` : '';
        const jump = endpointChain(service, port, endpoint);
        chains.push(jump);
        balanced.push(
          `-A ${chain} ${comment(`${name} -> ${endpoint}`)}${chance} -j ${jump}`,
          `-A ${jump} -s ${endpoint.split(':')[0]}/32 ${comment(name)} -j KUBE-MARK-MASQ`,
          `-A ${jump} -p ${protocol} ${comment(name)} -m ${protocol} -j DNAT --to-destination ${endpoint}`,
        );
      }
    }
  const portal = comment('kubernetes service portals');
  const nat = ['KUBE-SERVICES', 'KUBE-NODEPORTS', 'KUBE-POSTROUTING', 'KUBE-MARK-MASQ', ...chains];
  return `${[
    '*filter',
    ':KUBE-SERVICES - [0:0]',
    ':KUBE-FORWARD - [0:0]',
    `-A FORWARD ${comment('kubernetes forwarding rules')} -j KUBE-FORWARD`,
    `-A FORWARD -m conntrack --ctstate NEW ${portal} -j KUBE-SERVICES`,
    `-A OUTPUT -m conntrack --ctstate NEW ${portal} -j KUBE-SERVICES`,
    '-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP',
    `-A KUBE-FORWARD ${comment('kubernetes forwarding rules')} -m mark --mark 0x4000/0x4000 -j ACCEPT`,
    `-A KUBE-FORWARD ${comment('kubernetes forwarding conntrack rule')} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`,
    ...rejected,
    'COMMIT',
    '*nat',
    ...nat.map(chain => `:${chain} - [0:0]`),
    `-A PREROUTING ${portal} -j KUBE-SERVICES`,
    `-A OUTPUT ${portal} -j KUBE-SERVICES`,
    `-A POSTROUTING ${comment('kubernetes postrouting rules')} -j KUBE-POSTROUTING`,
    '-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000',
    '-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN',
    '-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0',
    `-A KUBE-POSTROUTING ${comment('kubernetes service traffic requiring SNAT')} -j MASQUERADE --random-fully`,
    ...portals,
    `-A KUBE-SERVICES ${comment('kubernetes service nodeports; NOTE: this must be the last rule in this chain')} -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS`,
    ...balanced,
    'COMMIT',
  ].join('\n')}\n`;
};
