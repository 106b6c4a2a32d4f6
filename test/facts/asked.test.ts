import {expect, test} from 'vitest';
import {parseProbe} from '../../source/facts/probes.ts';
import {parseRouteGets, ROUTE_GETS, routeGetLine} from '../../source/facts/route-gets.ts';
import {bytes} from './samples.ts';

const packet = {destination: '10.1.0.9', mark: 0, protocol: 'tcp'};

test('a routing question is a line of plain words', () => {
  expect(routeGetLine(packet)).toBe('route get 10.1.0.9 ipproto 6');
  expect(
    routeGetLine({
      ...packet,
      source: '10.2.0.7',
      iif: 'cali1-2.3',
      mark: 0x4000,
      destinationPort: 80,
      sourcePort: 4000,
    }),
  ).toBe('route get 10.1.0.9 from 10.2.0.7 iif cali1-2.3 mark 0x4000 ipproto 6 sport 4000 dport 80');
  expect(routeGetLine({...packet, destination: 'FD00::0:1', protocol: 'icmp', destinationPort: 80})).toBe(
    'route get fd00::1 ipproto 1',
  );
  expect(routeGetLine({...packet, protocol: 'ipip'})).toBe('route get 10.1.0.9');
});

test.each(['a b', "x'; reboot", '$(id)', 'eth0\nroute del default', '-x', 'ü', ''])(
  'an interface called %j is not asked about',
  iif => {
    expect(routeGetLine({...packet, iif})).toBeUndefined();
  },
);

test('what is no address is never asked', () => {
  expect(routeGetLine({...packet, destination: 'example.org'})).toBe(undefined);
  expect(routeGetLine({...packet, destination: '10.1.0.9; id'})).toBe(undefined);
});

/** Captured in the lab (iproute2 6.1.0): the second and third line are refused. */
test('answers and refusals find their question', () => {
  const out =
    'route get 10.244.2.4 from 10.244.1.5 iif cni0\nroute get 10.244.1.5 from 10.244.2.4 iif eth9\nroute get fd00::1\nroute get 10.44.0.13\n\n' +
    '[{"dst":"10.244.2.4","from":"10.244.1.5","gateway":"10.244.2.0","dev":"flannel.1","flags":[],"cache":[],"iif":"cni0"}]\n' +
    '[{"dst":"10.44.0.13","dev":"eth0","prefsrc":"10.44.0.12","flags":[],"uid":0,"cache":[]}]\n';
  const err =
    'Cannot find device "eth9"\nCommand failed -:2\nRTNETLINK answers: Network is unreachable\nCommand failed -:3\n';
  const {rows, problems} = parseRouteGets(bytes(out), err);
  expect(problems).toEqual([]);
  expect(rows.map(({from: _, to: __, ...row}) => row)).toEqual([
    {
      asked: 'route get 10.244.2.4 from 10.244.1.5 iif cni0',
      type: 'unicast',
      via: '10.244.2.0',
      dev: 'flannel.1',
    },
    {asked: 'route get 10.244.1.5 from 10.244.2.4 iif eth9', error: 'Cannot find device "eth9"'},
    {asked: 'route get fd00::1', error: 'Network is unreachable'},
    {asked: 'route get 10.44.0.13', type: 'unicast', dev: 'eth0', prefsrc: '10.44.0.12'},
  ]);
  for (const {from, to, asked, error} of rows) {
    const text = out.slice(from, to);
    expect(error === undefined ? text.startsWith('{') : text === asked, text).toBe(true);
  }
});

test('a refusal is an answer, not a gap', () => {
  const reply = {
    node: 'a',
    fact: 'route-gets',
    reader: 'ip-route-get@1',
    netns: '1',
    sweep: 1,
    at: '',
    uptime: 1,
    ms: 1,
    exit: 1,
    out: bytes('route get fd00::1\n\n'),
    err: 'RTNETLINK answers: Network is unreachable\nCommand failed -:1\n',
  };
  const {gaps, netns} = ROUTE_GETS.contribute(reply, {
    node: 'a',
    sweep: 0,
    at: '',
    uptime: 0,
    netns: new Map(),
    gaps: [],
  });
  expect(gaps).toEqual([]);
  expect(netns?.get('1')?.routeGets?.value).toMatchObject([{error: 'Network is unreachable'}]);
});

/** Captured with iputils 20221126 and BusyBox 1.35.0. */
test('what came of a probe', () => {
  const iputils =
    'PING 10.44.0.99 (10.44.0.99) 56(84) bytes of data.\n\n--- 10.44.0.99 ping statistics ---\n5 packets transmitted, 0 received, 100% packet loss, time 815ms\n\n';
  const busybox =
    'PING 10.44.0.12 (10.44.0.12): 56 data bytes\n\n--- 10.44.0.12 ping statistics ---\n3 packets transmitted, 3 packets received, 0% packet loss\nround-trip min/avg/max = 0.091/0.115/0.136 ms\n';
  expect(parseProbe(bytes(iputils)).rows).toMatchObject([{destination: '10.44.0.99', sent: 5, received: 0}]);
  expect(parseProbe(bytes(busybox)).rows).toMatchObject([
    {destination: '10.44.0.12', sent: 3, received: 3, rtt: 0.115},
  ]);
});
