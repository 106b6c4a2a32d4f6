/**
 * AWS VPC CNI's shape: every pod has an address of the subnet of one of its node's cards; a pod on the second card
 * leaves by that card's own table, chosen by a policy rule. Priorities, tables, marks and chains are those of
 * github.com/aws/amazon-vpc-cni-k8s, pkg/networkutils/network.go.
 */
import type {Datapath} from '../wiring.ts';
import {comment, json, withoutPrefix} from '../wiring.ts';

/** What aws-node writes: outbound traffic leaves with the first card's address, and answers come back by that card. */
const rules = (vpc: string, primary: string) =>
  `${[
    '*mangle',
    `-A PREROUTING -i eth0 ${comment('AWS, primary ENI')} -m addrtype --dst-type LOCAL --limit-iface-in -j CONNMARK --set-xmark 0x80/0x80`,
    `-A PREROUTING -i eni+ ${comment('AWS, primary ENI')} -j CONNMARK --restore-mark --nfmask 0x80 --ctmask 0x80`,
    'COMMIT',
    '*nat',
    ':AWS-CONNMARK-CHAIN-0 - [0:0]',
    ':AWS-SNAT-CHAIN-0 - [0:0]',
    `-A PREROUTING -i eni+ ${comment('AWS, outbound connections')} -j AWS-CONNMARK-CHAIN-0`,
    `-A PREROUTING ${comment('AWS, CONNMARK')} -j CONNMARK --restore-mark --nfmask 0x80 --ctmask 0x80`,
    `-A POSTROUTING ${comment('AWS SNAT CHAIN')} -j AWS-SNAT-CHAIN-0`,
    `-A AWS-CONNMARK-CHAIN-0 -d ${vpc} ${comment('AWS CONNMARK CHAIN, VPC CIDR')} -j RETURN`,
    `-A AWS-CONNMARK-CHAIN-0 ${comment('AWS, CONNMARK')} -j CONNMARK --set-xmark 0x80/0x80`,
    `-A AWS-SNAT-CHAIN-0 -d ${vpc} ${comment('AWS SNAT CHAIN')} -j RETURN`,
    `-A AWS-SNAT-CHAIN-0 ! -o vlan+ ${comment('AWS, SNAT')} -m addrtype ! --dst-type LOCAL -j SNAT --to-source ${primary} --random-fully`,
    'COMMIT',
  ].join('\n')}\n`;

/**
 * `podCidr` is the part of eth0's subnet from which the node's pods on that card have their addresses; for a further
 * card it is the same part of that card's subnet.
 */
const vpcNode: Datapath['node'] = (topology, node) => {
  const cards = [
    {device: 'eth0', table: 'main', podCidr: node.podCidr},
    ...(node.nics ?? []).map(({device, address}, index) => {
      const third = address.split('.')[2]!;
      const podCidr = node.podCidr.replace(/^(\d+\.\d+)\.\d+/, `$1.${third}`);
      return {device, table: String(index + 2), podCidr, address};
    }),
  ];
  const conf = {
    name: 'aws-cni',
    cniVersion: '0.4.0',
    plugins: [
      {type: 'vpc', vethPrefix: 'eni', mtu: '1500'},
      {type: 'portmap', capabilities: {portMappings: true}, snat: true},
    ],
  };
  const ipam = (device: string, subnet: string) => ({
    name: `vpc-${device}`,
    cniVersion: '0.4.0',
    ipam: {type: 'host-local', ranges: [[{subnet}]]},
  });
  return {
    files: [
      {path: 'etc/cni/net.d/10-aws.conflist', text: json(conf)},
      // For the lab's plugin: its cards, in the order in which they are filled, and host-local's part of each subnet.
      {path: 'etc/cni/vpc/cards', text: cards.map(({device, table}) => `${device} ${table}\n`).join('')},
      ...cards.map(({device, podCidr}) => ({
        path: `etc/cni/vpc/${device}.json`,
        text: json(ipam(device, podCidr)),
      })),
    ],
    plugins: [{script: 'cni-vpc.sh', name: 'vpc'}],
    // The node answers for its pods' addresses on the wire, as the VPC does; at once.
    sysctls: cards.map(({device}) => `net/ipv4/neigh/${device}/proxy_delay=0`),
    links: [
      'rule add fwmark 0x80/0x80 lookup main priority 1024',
      ...cards.slice(1).flatMap(({device, table, podCidr}) => {
        const gateway = gatewayOf(withoutPrefix(podCidr));
        return [
          // ipamd takes the connected route of a further card out of main, and gives it a table.
          `route del ${gateway.replace(/\d+$/, '0')}/24 dev ${device}`,
          `route add ${gateway} dev ${device} scope link table ${table}`,
          `route add default via ${gateway} dev ${device} table ${table}`,
        ];
      }),
    ],
    rules: {ipv4: rules(topology.clusterCidr, node.address)},
  };
};

/** A VPC's router has the first address of every subnet; here all are /24. */
const gatewayOf = (address: string) => address.replace(/\d+$/, '1');

export const vpc: Datapath = {node: vpcNode};
