import {expect, test} from 'vitest';
import {ask, questionFrom} from '../../source/questions/catalogue.ts';
import {toView} from '../../source/views/catalogue.ts';
import {viewText} from '../../source/views/text.ts';
import {shop} from './shop.ts';

/** What `hoptop QUESTION -o text` prints of the shop. */
function printed(line: string): string {
  const [name, ...words] = line.split(' ');
  const read = questionFrom(name!, words);
  if ('wrong' in read) throw new Error(read.wrong);
  const found = ask(shop(), read);
  if ('missing' in found) throw new Error(found.missing);
  return `\n${viewText(toView(found))}`;
}

/** Only the named facet: others are tested by their own question. */
function facet(line: string, title: string): string {
  const parts = printed(line).split('\n\n');
  return `\n${parts.find(part => part.startsWith(`${title}\n`))}\n`;
}

test('overview', () => {
  expect(printed('overview')).toMatchInlineSnapshot(`
    "
    NAME  STATE  ADDRESS      PODS  ESTAB  LISTEN  OS-IMAGE             KERNEL-VERSION  UPTIME  NETNS  PROCS  AGE OF DATA     CPU    WALL
    n1    ready  192.168.0.1     1      2       2  Debian GNU/Linux 12  6.18.5             16m      2      3           2s  0.05 s  120 ms
    n2    ready  192.168.0.2     1      1       1  Debian GNU/Linux 12  6.18.5            100s      2      3           2s  0.05 s  120 ms
    n3    lost

    NOT SEEN
    n2, namespace 100: forwarding database: bridge is not installed. To see it: Install iproute2.
    n3: Connection refused by n3:22. Is sshd running there?
    "
  `);
});

test('a column that says nothing in any row, or the same as the page, is left out of text', () => {
  const titles = (line: string, title: string) => facet(line, title).split('\n')[2]!.trim().split(/ {2,}/);
  expect(titles('node n2', 'INTERFACES')).toEqual([
    'IFACE',
    'KIND',
    'STATE',
    'MTU',
    'INET',
    'PEER',
    'NETMASK',
    'FLAGS',
  ]);
  expect(titles('node n1', 'INTERFACES')).toContain('RX/S');
  for (const page of ['PODS', 'PROCESSES', 'ROUTES']) {
    expect(titles('node n1', page)).not.toContain('NODE');
    expect(titles('node n1', page)).not.toContain('WHERE');
  }
  expect(titles('pod web-1', 'PEERS')).toContain('NODE');
});

test('pods', () => {
  expect(printed('pods')).toMatchInlineSnapshot(`
    "
    POD         NODE  STATE    IP        HOST LINK  ON    CONTAINERS  PROCS  ESTAB  LISTEN  NETNS  UID
    shop/db-0   n2    running  10.2.2.9  ~ veth7          postgres        2      1       1  110    uid-db-0
    shop/web-1  n1    running  10.2.1.5  veth7      cni0  httpd           2      2       1  110    uid-web-1

    NOT SEEN
    n3: Connection refused by n3:22. Is sshd running there?
    "
  `);
});

test('pod: the way out, drawn', () => {
  expect(facet('pod web-1', 'POD')).toMatchInlineSnapshot(`
    "
    POD
    pod        ┌─ shop/web-1
    in pod     ├─ eth0  veth 10.2.1.5/24 mtu 1450 UP
    traffic    │  ↓10.0 kB/s ↑20.0 kB/s  RX 40.0 kB TX 80.0 kB in all
    pair       │  proven
    on node    ├─ veth7  veth mtu 1450 UP
    bridge     ├─ cni0
    route in   ├─ 10.2.1.0/24 dev cni0
    way out    └─ eth0  192.168.0.1/24 mtu 1500 UP
    traffic       ↓25.0 kB/s ↑50.0 kB/s  RX 100 kB TX 200 kB in all
    node       n1
    addresses  10.2.1.5
    joined by  proven: index 2 points to 7 and that points back; the namespace id means that namespace
    netns      110  its namespace is mounted at /run/netns/cni-web
    uid        uid-web-1
    sandbox    aaaaaaaaaaaa  /var/run/netns/cni-web
    container  httpd  bbbbbbbbbbbb  httpd:2.4  1 process
    "
  `);
});

test('pod: without a resolved namespace id the pair is marked as inferred', () => {
  expect(facet('pod db-0', 'POD')).toMatchInlineSnapshot(`
    "
    POD
    pod        ┌─ shop/db-0
    in pod     ├─ eth0  veth 10.2.2.9/24 mtu 1500 UP
    traffic    │  not read
    pair       │  inferred
    on node    ├─ ~ veth7  veth mtu 1500 UP
    way out    └─ eth0  192.168.0.2/24 mtu 1500 UP
    traffic       not read
    node       n2
    addresses  10.2.2.9
    joined by  inferred: index 2 points to 7 and that points back; no other interface read on n2 fits, but its namespace id was not resolved
    netns      110  its namespace is mounted at /run/netns/cni-db
    uid        uid-db-0
    sandbox    cccccccccccc  /run/netns/cni-db
    container  postgres  dddddddddddd  image unknown  1 process
    "
  `);
});

test('interfaces', () => {
  expect(printed('interfaces n1')).toMatchInlineSnapshot(`
    "
    IFACE  WHERE       KIND      STATE      MTU  INET            PEER             MASTER       RX/S       TX/S  RX BYTES  TX BYTES  RX ERR  RX DROP  TX ERR  TX DROP  RX PACKETS  TX PACKETS  ETHER              NETMASK        FLAGS
    lo     n1          loopback  UNKNOWN  65536  127.0.0.1/8                                                                                                                                                     255.0.0.0      LOOPBACK,UP
    eth0   n1          device    UP        1500  192.168.0.1/24                           25.0 kB/s  50.0 kB/s    100 kB    200 kB       0        0       0        0        1000        2000  02:00:00:00:00:01  255.255.255.0  BROADCAST,UP
    cni0   n1          bridge    UP        1450  10.2.1.1/24                                                                                                                                                     255.255.255.0  BROADCAST,UP
    veth7  n1          veth      UP        1450                  shop/web-1:eth0  cni0    10.0 kB/s  20.0 kB/s   40.0 kB   80.0 kB       0        2       0        0         400         800                                    BROADCAST,UP
    lo     shop/web-1  loopback  UNKNOWN  65536  127.0.0.1/8                                                                                                                                                     255.0.0.0      LOOPBACK,UP
    eth0   shop/web-1  veth      UP        1450  10.2.1.5/24     n1/veth7                 10.0 kB/s  20.0 kB/s   40.0 kB   80.0 kB       0        0       0        0         400         800                     255.255.255.0  BROADCAST,UP
    "
  `);
});

test('link', () => {
  expect(printed('link n1/veth7')).toMatchInlineSnapshot(`
    "
    link n1/veth7
    UP · veth in n1 · mtu 1450 · other end shop/web-1:eth0 · behind it shop/web-1 · 2 connections

    LINK
    this end   n1/veth7  index 7  veth  UP  mtu 1450  master cni0
               no hardware address  no address
               <BROADCAST,UP>
               RX 400 packets, 40000 bytes (40.0 kB), 0 errors, 2 dropped; 10.0 kB/s, 100/s packets
               TX 800 packets, 80000 bytes (80.0 kB), 0 errors, 0 dropped; 20.0 kB/s, 200/s packets
    pair       proven  index 7 points to 2 and that points back; the namespace id means that namespace
    other end  shop/web-1:eth0  index 2  veth  UP  mtu 1450
               no hardware address  10.2.1.5/24
               <BROADCAST,UP>
               RX 400 packets, 40000 bytes (40.0 kB), 0 errors, 0 dropped; 10.0 kB/s, 100/s packets
               TX 800 packets, 80000 bytes (80.0 kB), 0 errors, 0 dropped; 20.0 kB/s, 200/s packets
    master     n1/cni0  index 3  bridge  UP  mtu 1450
               no hardware address  10.2.1.1/24
               <BROADCAST,UP>
               RX not read
               TX not read
    crossing   proven  eth0 is the only way out of its namespace: everything that leaves it

    CONNECTIONS
    PROTO  RECV-Q  SEND-Q  LOCAL ADDRESS   FOREIGN ADDRESS  STATE  OTHER END                  PID/PROGRAM  POD         CONTAINER  NODE      RTT  RETRANS  USER  NETNS  INODE
    tcp         0    9000  10.2.1.5:40000  10.2.2.9:5432    ESTAB  shop/db-0 postgres         51/httpd     shop/web-1  httpd      n1     1.3 ms        3  root  110     1001
    tcp         0       0  10.2.1.5:40001  10.96.0.1:443    ESTAB  ? perhaps on n3, not read  51/httpd     shop/web-1  httpd      n1    0.50 ms        0  root  110     1002

    ROUTES
    No route of its namespace leaves by it.

    NOT SEEN
    n3: Connection refused by n3:22. Is sshd running there?
    "
  `);
});

test('sockets', () => {
  expect(printed('sockets')).toMatchInlineSnapshot(`
    "
    PROTO  RECV-Q  SEND-Q  LOCAL ADDRESS   FOREIGN ADDRESS  STATE   OTHER END                  PID/PROGRAM  POD         CONTAINER  NODE      RTT  RETRANS  USER  NETNS  INODE
    tcp         0       0  0.0.0.0:8080    0.0.0.0:*        LISTEN                             51/httpd     shop/web-1  httpd      n1                   0  root  110     1000
    tcp         0    9000  10.2.1.5:40000  10.2.2.9:5432    ESTAB   shop/db-0 postgres         51/httpd     shop/web-1  httpd      n1     1.3 ms        3  root  110     1001
    tcp         0       0  10.2.1.5:40001  10.96.0.1:443    ESTAB   ? perhaps on n3, not read  51/httpd     shop/web-1  httpd      n1    0.50 ms        0  root  110     1002
    udp         0       0  0.0.0.0:8472    0.0.0.0:*        UNCONN                             -                                   n1                   0  root  100     1003
    tcp         0       0  0.0.0.0:5432    0.0.0.0:*        LISTEN                             60/postgres  shop/db-0   postgres   n2                   0  root  110     1000
    tcp      4096       0  10.2.2.9:5432   10.2.1.5:40000   ESTAB   shop/web-1 httpd           60/postgres  shop/db-0   postgres   n2     1.5 ms        0  root  110     1001

    NOT SEEN
    n3: Connection refused by n3:22. Is sshd running there?
    "
  `);
});

test('connection', () => {
  expect(printed('connection 10.2.1.5:40000-10.2.2.9:5432')).toMatchInlineSnapshot(`
    "
    connection 10.2.1.5:40000-10.2.2.9:5432
    postgres in shop/db-0 has not read 4096 bytes that arrived, and 9000 bytes wait to be sent to it.

    BOTH ENDS
                this end                                       other end
    address     10.2.1.5:40000                                 10.2.2.9:5432
    node        n1                                             n2
    pod         shop/web-1                                     shop/db-0
    container   httpd                                          postgres
    process     n1:51 httpd                                    n2:60 postgres
    user        root                                           root
    netns       110                                            110
    state       ESTAB                                          ESTAB
    recv-q      0                                            ! 4096
    send-q      9000                                         ! 0
    rtt         1.3 ms                                         1.5 ms
    retrans     3                                            ! 0
    congestion  -                                              -
    interface   shop/web-1:eth0                                shop/db-0:eth0
    mtu         1450                                         ≠ 1500
    traffic     ↓10.0 kB/s ↑20.0 kB/s  RX 40.0 kB TX 80.0 kB   not read
    lost        0                                              not read
    host link   n1/veth7                                       n2/veth7
    host lost   2 RX dropped                                   not read
    socket      held by 51/httpd                               held by 60/postgres
    join        proven  both ends were seen, each with the other as its remote

    NOT SEEN
    n3: Connection refused by n3:22. Is sshd running there?
    "
  `);
});

test('connection through NAT, perhaps: the other end is not invented', () => {
  expect(printed('connection 10.2.1.5:40001-10.96.0.1:443')).toMatchInlineSnapshot(`
    "
    connection 10.2.1.5:40001-10.96.0.1:443
    Nothing waits at this end; the other end was not seen.

    BOTH ENDS
                this end                                       other end
    address     10.2.1.5:40001                                 10.96.0.1:443
    node        n1                                             ?
    pod         shop/web-1                                     ?
    container   httpd                                          ?
    process     n1:51 httpd                                    ?
    user        root                                           ?
    netns       110                                            ?
    state       ESTAB                                          ?
    recv-q      0                                              ?
    send-q      0                                              ?
    rtt         0.50 ms                                        ?
    retrans     0                                              ?
    congestion  -                                              ?
    interface   shop/web-1:eth0                                ?
    mtu         1450                                           ?
    traffic     ↓10.0 kB/s ↑20.0 kB/s  RX 40.0 kB TX 80.0 kB   ?
    lost        0                                              ?
    host link   n1/veth7                                       ?
    host lost   2 RX dropped                                   -
    socket      held by 51/httpd
    half seen   The other end, 10.96.0.1:443, was not seen: no interface read has the remote address: it goes through NAT (a ClusterIP, for one) or outside, or is on a node that was not, or not wholly, read: n3.
    join        unknown

    NOT SEEN
    n3: Connection refused by n3:22. Is sshd running there?
    "
  `);
});

test('peers', () => {
  expect(printed('peers web-1')).toMatchInlineSnapshot(`
    "
    PEER                                   NODE  WAY    PORTS     CONNS  STATES       RTT  RETRANS  RECV-Q  SEND-Q  PROGRAM   ADDRESSES  LOCAL PROCESS
    ? 10.96.0.1 (perhaps on n3, not read)        → out  tcp/443       1  ESTAB 1  0.50 ms        0     0 B     0 B            10.96.0.1  51/httpd
    shop/db-0                              n2    → out  tcp/5432      1  ESTAB 1   1.5 ms        3  4.1 kB  9.0 kB  postgres  10.2.2.9   51/httpd

    NOT SEEN
    n3: Connection refused by n3:22. Is sshd running there?
    "
  `);
});

test('process', () => {
  expect(facet('process n1:51', 'PROCESS')).toMatchInlineSnapshot(`
    "
    PROCESS
    command  /usr/bin/httpd
    user     root
    started  start-51
    state    S
    node     n1
    pod      shop/web-1 httpd
    netns    110 (pod)
    listens  tcp 0.0.0.0:8080
             1 /usr/bin/init
             └─ 51 /usr/bin/httpd
    "
  `);
});

test('process: the last child alone ends the branch', () => {
  const tree = facet('process n1:1', 'PROCESS').split('\n').slice(-4, -1);
  expect(tree.map(line => line.trim())).toEqual([
    '1 /usr/bin/init',
    '├─ 50 /usr/bin/pause',
    '└─ 51 /usr/bin/httpd',
  ]);
});

test('processes', () => {
  expect(printed('processes shop/web-1')).toMatchInlineSnapshot(`
    "
    PID  PPID  USER  NODE  POD         CONTAINER  ESTAB  LISTEN  STAT  START     NETNS  COMMAND
     50     1  root  n1    shop/web-1  (sandbox)      0       0  S     start-50  110    /usr/bin/pause
     51     1  root  n1    shop/web-1  httpd          2       1  S     start-51  110    /usr/bin/httpd
    "
  `);
});

test('routes', () => {
  expect(printed('routes n1')).toMatchInlineSnapshot(`
    "
    WHERE       DESTINATION  VIA            DEV   TYPE     TABLE  PROTOCOL  SCOPE
    n1          default      192.168.0.254  eth0  unicast  main   static    global
    n1          10.2.1.0/24                 cni0  unicast  main   static    link
    shop/web-1  default      10.2.1.1       eth0  unicast  main   static    global
    "
  `);
});

test('node', () => {
  expect(facet('node n2', 'ABOUT')).toMatchInlineSnapshot(`
    "
    ABOUT
    name        n2
    reached as  n2
    state       ready
    addresses   192.168.0.2
    system      Debian GNU/Linux 12
    kernel      6.18.5
    machine-id  not read
    up          100s
    clock       not read
    processors  not read
    read as     root
    data        2s old, sweep 1
    last sweep  0.05 s CPU, 120 ms, 40.0 kB, 1 round trip
    "
  `);
});

test('a node of which nothing was read says so, and shows no zero', () => {
  expect(printed('node n3')).toMatchInlineSnapshot(`
    "
    node n3
    lost · n3 · unknown system · unknown kernel

    PODS
    Nothing of n3 was read yet.

    INTERFACES
    Nothing of n3 was read yet.

    SOCKETS
    Nothing of n3 was read yet.

    PROCESSES
    Nothing of n3 was read yet.

    ROUTES
    Nothing of n3 was read yet.

    ABOUT
    name        n3
    reached as  n3
    state       lost: Connection refused by n3:22. Is sshd running there?
    addresses   not read
    system      not read
    kernel      not read
    machine-id  not read
    up          not read
    clock       not read
    processors  not read
    read as     not read
    data        not read
    last sweep  not read

    NOT SEEN
    n3: Connection refused by n3:22. Is sshd running there?
    "
  `);
});
