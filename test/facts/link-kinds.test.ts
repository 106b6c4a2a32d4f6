import {expect, test} from 'vitest';
import {arraysOf} from '../../source/facts/elements.ts';
import {parseLinks} from '../../source/facts/links.ts';
import {parseRoutes} from '../../source/facts/routes.ts';
import {parseRules} from '../../source/facts/rules.ts';

/** Captured with iproute2 6.1.0 on Linux 6.18 (`ip -j -d link`, `ip -j rule`, `ip -j -d route`). */
const elements = (text: string) =>
  arraysOf(new TextEncoder().encode(text)).arrays.flatMap(array => array.elements);

test('a macvlan tells its mode', () => {
  const sample =
    '[{"ifindex":4,"link":"v0","ifname":"mv0","flags":["BROADCAST","MULTICAST"],"mtu":1500,"qdisc":"noop","operstate":"DOWN","linkmode":"DEFAULT","group":"default","txqlen":1000,"link_type":"ether","address":"3a:ae:e5:5c:3f:45","broadcast":"ff:ff:ff:ff:ff:ff","promiscuity":0,"allmulti":0,"min_mtu":68,"max_mtu":65535,"linkinfo":{"info_kind":"macvlan","info_data":{"mode":"bridge","bcqueuelen":1000,"usedbcqueuelen":1000}},"inet6_addr_gen_mode":"eui64","num_tx_queues":1,"num_rx_queues":1,"gso_max_size":65536,"gso_max_segs":65535,"tso_max_size":524280,"tso_max_segs":65535,"gro_max_size":65536}]';
  expect(parseLinks(elements(sample)).rows[0]).toMatchObject({kind: 'macvlan', mode: 'bridge', lower: 'v0'});
});

test('a bridge tells whether it filters by VLAN', () => {
  const sample =
    '[{"ifindex":2,"ifname":"br0","flags":["BROADCAST","MULTICAST"],"mtu":1500,"qdisc":"noop","operstate":"DOWN","linkmode":"DEFAULT","group":"default","txqlen":1000,"link_type":"ether","address":"ee:17:9d:7e:d7:65","broadcast":"ff:ff:ff:ff:ff:ff","promiscuity":0,"allmulti":0,"min_mtu":68,"max_mtu":65535,"linkinfo":{"info_kind":"bridge","info_data":{"forward_delay":1500,"hello_time":200,"max_age":2000,"ageing_time":30000,"stp_state":0,"priority":32768,"vlan_filtering":0,"bridge_id":"8000.0:0:0:0:0:0","root_id":"8000.0:0:0:0:0:0","root_port":0,"root_path_cost":0,"topology_change":0,"topology_change_detected":0,"hello_timer":0.00,"tcn_timer":0.00,"topology_change_timer":0.00,"gc_timer":0.00,"group_fwd_mask":"0","group_addr":"01:80:c2:00:00:00","mcast_snooping":1,"no_linklocal_learn":0,"mcast_vlan_snooping":0,"mcast_router":1,"mcast_query_use_ifaddr":0,"mcast_querier":0,"mcast_hash_elasticity":16,"mcast_hash_max":4096,"mcast_last_member_cnt":2,"mcast_startup_query_cnt":2,"mcast_last_member_intvl":100,"mcast_membership_intvl":26000,"mcast_querier_intvl":25500,"mcast_query_intvl":12500,"mcast_query_response_intvl":1000,"mcast_startup_query_intvl":3124,"mcast_stats_enabled":0,"mcast_igmp_version":2,"mcast_mld_version":1,"nf_call_iptables":0,"nf_call_ip6tables":0,"nf_call_arptables":0}},"inet6_addr_gen_mode":"eui64","num_tx_queues":1,"num_rx_queues":1,"gso_max_size":65536,"gso_max_segs":65535,"tso_max_size":65536,"tso_max_segs":65535,"gro_max_size":65536}]';
  expect(parseLinks(elements(sample)).rows[0]).not.toHaveProperty('vlanFiltering');
  // The kernel of the capture has no VLAN filtering: only the value is changed.
  const on = sample.replace('"vlan_filtering":0', '"vlan_filtering":1');
  expect(parseLinks(elements(on)).rows[0]).toMatchObject({kind: 'bridge', vlanFiltering: true});
});

test('what a policy rule selects by, and what it does', () => {
  const sample =
    '[{"priority":0,"src":"all","table":"local"},{"priority":5,"src":"10.0.0.0","srclen":8,"dst":"10.5.0.0","dstlen":16,"tos":"0x10","iif":"v0","ipproto":"tcp","sport":5,"dport_start":80,"dport_end":90,"table":"10","suppress_prefixlen":0},{"priority":6,"src":"all","l3mdev":null},{"priority":8,"src":"all","goto":32766},{"priority":9,"src":"all","uid_start":5,"uid_end":9,"action":"unreachable"},{"priority":32766,"src":"all","table":"main"},{"priority":32767,"src":"all","table":"default"}]';
  const {rows, problems} = parseRules(elements(sample), 4);
  expect(problems).toEqual([]);
  expect(rows.map(({from: _, to: __, family: ___, ...rule}) => rule)).toEqual([
    {priority: 0, not: false, src: 'all', dst: 'all', action: 'lookup', table: 'local'},
    {
      priority: 5,
      not: false,
      src: '10.0.0.0/8',
      dst: '10.5.0.0/16',
      action: 'lookup',
      iif: 'v0',
      table: '10',
      ipproto: 'tcp',
      sport: [5, 5],
      dport: [80, 90],
      suppressPrefix: 0,
      others: ['tos'],
    },
    {priority: 6, not: false, src: 'all', dst: 'all', action: 'lookup', l3mdev: true},
    {priority: 8, not: false, src: 'all', dst: 'all', action: 'goto', target: 32766},
    {priority: 9, not: false, src: 'all', dst: 'all', action: 'unreachable', others: ['uidrange']},
    {priority: 32766, not: false, src: 'all', dst: 'all', action: 'lookup', table: 'main'},
    {priority: 32767, not: false, src: 'all', dst: 'all', action: 'lookup', table: 'default'},
  ]);
});

test('routes of several next hops, and by a nexthop object', () => {
  const sample =
    '[{"type":"unicast","dst":"10.1.0.0/24","dev":"v0","protocol":"kernel","scope":"link","prefsrc":"10.1.0.1","flags":[]},{"type":"unicast","dst":"10.3.0.0/16","protocol":"boot","scope":"global","flags":[],"nexthops":[{"gateway":"10.1.0.3","dev":"v0","weight":2,"flags":[]},{"gateway":"10.1.0.4","dev":"v0","weight":1,"flags":[]}]},{"type":"unicast","dst":"10.4.0.0/16","nhid":7,"gateway":"10.1.0.7","dev":"v0","protocol":"boot","scope":"global","flags":[],"nh_info":{"id":7,"gateway":"10.1.0.7","dev":"v0","scope":"link","protocol":"unspec","flags":[]}}]';
  const {rows} = parseRoutes(elements(sample));
  expect(rows[1]!.hops).toEqual([
    {via: '10.1.0.3', dev: 'v0', weight: 2, flags: []},
    {via: '10.1.0.4', dev: 'v0', weight: 1, flags: []},
  ]);
  expect(rows[2]).toMatchObject({nhid: 7, hops: [{via: '10.1.0.7', dev: 'v0', flags: []}]});
});

test('control characters of a name, which ip (iproute2 6.1) does not escape, cost no interface', () => {
  const {arrays, problems} = arraysOf(
    new TextEncoder().encode(
      '[{"ifindex":9,"ifname":"e\u001b[1m","ifalias":"al \\"i\\"\u001b]0;x\u0007 as\\nnew \\\\ 한국"}]',
    ),
  );
  expect(problems).toEqual([]);
  expect(arrays[0]!.elements[0]!.fields).toEqual({
    ifindex: 9,
    ifname: 'e\u001b[1m',
    ifalias: 'al "i"\u001b]0;x\u0007 as\nnew \\ 한국',
  });
});
