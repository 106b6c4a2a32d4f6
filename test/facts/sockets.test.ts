import {readFileSync} from 'node:fs';
import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import type {Link} from '../../source/facts/links.ts';
import type {Snapshot} from '../../source/facts/snapshot.ts';
import {ROW_BYTES} from '../../source/facts/sockets/columns.ts';
import {NO_UID, parseSockets, type SocketTable, STATES, sockets} from '../../source/facts/sockets.ts';
import type {Reply} from '../../source/wire/source.ts';
import {addressText, endpointText, isWildcard, stateName} from './socket-text.ts';

const folder = new URL('../fixtures/ss/', import.meta.url);
const sample = (file: string) => readFileSync(new URL(file, folder));
const parse = (out: Uint8Array | string, truncated = false) =>
  parseSockets([{netns: '4026531840', out: typeof out === 'string' ? Buffer.from(out) : out, truncated}]);

/** Everything that a row says, for comparing; `rtt` as ss printed it. */
function row(table: SocketTable, i: number) {
  const rtt = table.rtt[i]!;
  return {
    protocol: table.protocol[i] === 0 ? 'tcp' : 'udp',
    family: table.family[i],
    v6only: table.v6only[i],
    state: stateName(table, i),
    recvQ: table.recvQ[i],
    sendQ: table.sendQ[i],
    local: endpointText(table, i, 'local'),
    remote: endpointText(table, i, 'remote'),
    inode: table.inode[i],
    uid: table.uid[i],
    rtt: Number.isNaN(rtt) ? undefined : Number(rtt.toPrecision(6)),
    retrans: table.retrans[i],
    congestion: table.words[table.congestion[i]!],
    netns: table.netns[table.netnsIndex[i]!],
  };
}

const rows = (table: SocketTable) => Array.from({length: table.count}, (_, i) => row(table, i));
const socketLines = (text: Buffer) => text.toString().match(/^(tcp|udp) /gm)?.length ?? 0;

describe('ss of three nodes (iproute2 6.1.0, Linux 6.18)', () => {
  it.each([
    ['atlas.txt', 165],
    ['borea.txt', 15],
    ['cairn.txt', 16],
    ['atlas-pod.txt', 2],
    ['borea-pod.txt', 2],
    ['cairn-pod.txt', 2],
  ])('%s has %i sockets, each understood', (file, count) => {
    const out = sample(file);
    const {table, problems} = parse(out);
    expect(problems).toEqual([]);
    expect(table.count).toBe(count);
    expect(socketLines(out)).toBe(count);
  });

  it('holds every field of a connection over a v4-mapped address', () => {
    const {table} = parse(sample('atlas.txt'));
    const i = rows(table).findIndex(({inode}) => inode === 396647);
    expect(row(table, i)).toEqual({
      protocol: 'tcp',
      family: 6,
      v6only: 0,
      state: 'ESTAB',
      recvQ: 0,
      sendQ: 0,
      local: '192.168.77.11:6443',
      remote: '192.168.77.11:36234',
      inode: 396647,
      uid: 0,
      rtt: expect.any(Number),
      retrans: 2,
      congestion: 'bbr',
      netns: '4026531840',
    });
    expect([...table.local.subarray(4 * i, 4 * i + 4)]).toEqual([0, 0, 0xffff, 0xc0a84d0b]);
  });

  it('remembers which bytes a row was read from: both its lines', () => {
    const out = sample('borea.txt');
    const {table} = parse(out);
    const text = out.toString('latin1', table.from[8], table.to[8]);
    expect(text).toMatch(/^tcp ESTAB .* ino:396700 .*<->\n\t ts sack bbr .*rtt:5\.25\/9\.028 .*retrans:0\/2/);
    expect(text).not.toContain('ino:273155');
    expect(row(table, 8)).toMatchObject({rtt: 5.25, retrans: 2, inode: 396700});
  });

  it('knows no owner of a TIME-WAIT', () => {
    const {table} = parse(sample('cairn.txt'));
    const found = rows(table).filter(({state}) => state === 'TIME-WAIT');
    expect(found).toMatchObject([
      {inode: 0, uid: NO_UID, rtt: undefined, congestion: '', remote: '192.168.77.254:44378'},
    ]);
  });

  it('is the same in the words of netstat, but for what only one of them says', async () => {
    const {parseNetstat} = await import('../../source/facts/sockets/netstat.ts');
    for (const node of ['atlas', 'borea', 'cairn']) {
      const key = (table: SocketTable) =>
        rows(table)
          .map(({protocol, family, state, local, remote}) =>
            [
              protocol,
              family,
              state,
              local.replace(/^(\*|\[::\]):/, 'any:'),
              remote.replace(/^(\*|\[::\]):/, 'any:'),
            ].join(' '),
          )
          .filter(line => !line.includes('192.168.77.254'))
          .sort();
      expect(key(parseNetstat(sample(`${node}-netstat.txt`)).table)).toEqual(
        key(parse(sample(`${node}.txt`)).table),
      );
    }
  });
});

describe('sockets of every shape (iproute2 6.1.0)', () => {
  const table = parse(sample('shapes-tunaieH.txt')).table;
  const at = (local: string) => rows(table).find(is => is.local === local);

  it.each([
    [
      '0.0.0.0:5300',
      {protocol: 'udp', family: 4, state: 'UNCONN', remote: '0.0.0.0:*', v6only: 0, inode: 60145},
    ],
    ['127.0.0.1:5301', {protocol: 'udp', state: 'ESTAB', remote: '127.0.0.1:5300'}],
    ['10.2.0.1%v0:5353', {protocol: 'udp', family: 4}],
    ['[fe80::28de:64ff:fede:153b]%v0:546', {family: 6, v6only: 1, remote: '[::]:*'}],
    ['*:5302', {family: 6, v6only: 0, remote: '*:*'}],
    ['[::]:5303', {family: 6, v6only: 1, remote: '[::]:*'}],
    ['*%v0:5304', {family: 6, v6only: 0}],
    ['0.0.0.0:8004', {protocol: 'tcp', state: 'LISTEN', recvQ: 1, sendQ: 5, congestion: 'bbr'}],
    ['127.0.0.1:8100', {uid: 1000, sendQ: 7}],
    ['127.0.0.1:47790', {state: 'ESTAB', recvQ: 1000}],
    ['127.0.0.1:47796', {state: 'CLOSE-WAIT'}],
    ['127.0.0.1:47810', {state: 'CLOSE-WAIT', congestion: 'reno', rtt: 0.005}],
    ['10.2.0.1:36102', {state: 'SYN-SENT', sendQ: 1, rtt: undefined, congestion: 'bbr'}],
    ['[::]:8002', {state: 'LISTEN', v6only: 1}],
    ['*:8001', {state: 'LISTEN', v6only: 0}],
    ['[::1]:47100', {family: 6, remote: '[::1]:8003'}],
    ['[fd00:2::1]:47742', {family: 6, remote: '[fd00:2::1]:8001'}],
  ])('%s', (local, fields) => {
    expect(at(local)).toMatchObject(fields);
  });

  it('counts the retransmissions of a SYN that nobody answers', () => {
    const text = sample('shapes-tunaieH.txt').toString();
    const said = /10\.2\.0\.1:36102[^\n]*\n[^\n]* retrans:\d+\/(\d+)/.exec(text);
    expect(at('10.2.0.1:36102')?.retrans).toBe(Number(said![1]));
  });

  it('sees an unaccepted connection with its data and without an owner', () => {
    expect(
      rows(table).filter(({local, state}) => local === '127.0.0.1:8004' && state === 'ESTAB'),
    ).toMatchObject([{recvQ: 500, inode: 0, uid: NO_UID, congestion: 'bbr'}]);
  });

  it('says the same with -p and quoted names between, and without -i but for what -i tells', () => {
    const bare = (is: ReturnType<typeof row>) => ({...is, rtt: undefined, retrans: 0, congestion: ''});
    const steady = (file: string) =>
      rows(parse(sample(file)).table)
        .filter(({state}) => state !== 'TIME-WAIT' && state !== 'SYN-SENT')
        .map(bare);
    expect(steady('shapes-tunapieHO.txt')).toEqual(steady('shapes-tunaieH.txt'));
    expect(steady('shapes-tunaeH.txt')).toEqual(steady('shapes-tunaieH.txt'));
  });
});

describe('one line', () => {
  const one = (line: string) => {
    const {table, problems} = parse(line);
    expect(problems).toEqual([]);
    expect(table.count).toBe(1);
    return {...row(table, 0), device: table.words[table.device[0]!]};
  };

  it.each([
    ['0.0.0.0:80', 4, '0.0.0.0:80', [0, 0, 0, 0]],
    ['1.2.3.4:80', 4, '1.2.3.4:80', [0, 0, 0xffff, 0x01020304]],
    ['255.255.255.255:68', 4, '255.255.255.255:68', [0, 0, 0xffff, 0xffffffff]],
    ['10.2.0.1%v1:5353', 4, '10.2.0.1%v1:5353', [0, 0, 0xffff, 0x0a020001]],
    ['*:80', 6, '*:80', [0, 0, 0, 0]],
    ['*%eth0.100:546', 6, '*%eth0.100:546', [0, 0, 0, 0]],
    ['[::]:80', 6, '[::]:80', [0, 0, 0, 0]],
    ['[::1]:80', 6, '[::1]:80', [0, 0, 0, 1]],
    ['[::ffff:1.2.3.4]:80', 6, '1.2.3.4:80', [0, 0, 0xffff, 0x01020304]],
    ['[::1.2.3.4]:80', 6, '[::102:304]:80', [0, 0, 0, 0x01020304]],
    ['[64:ff9b::1.2.3.4]:80', 6, '[64:ff9b::102:304]:80', [0x0064ff9b, 0, 0, 0x01020304]],
    ['[fe80::1]%v1:546', 6, '[fe80::1]%v1:546', [0xfe800000, 0, 0, 1]],
    ['[fe80::1%v1]:546', 6, '[fe80::1]%v1:546', [0xfe800000, 0, 0, 1]],
    [
      '[2001:db8:1:2:3:4:5:6]:*',
      6,
      '[2001:db8:1:2:3:4:5:6]:*',
      [0x20010db8, 0x00010002, 0x00030004, 0x00050006],
    ],
    ['[2001:db8::]:1', 6, '[2001:db8::]:1', [0x20010db8, 0, 0, 0]],
    ['[1:2:3:4:5:6:7::]:1', 6, '[1:2:3:4:5:6:7:0]:1', [0x00010002, 0x00030004, 0x00050006, 0x00070000]],
    ['[::2:3:4:5:6:7:8]:1', 6, '[0:2:3:4:5:6:7:8]:1', [2, 0x00030004, 0x00050006, 0x00070008]],
    [':::22', 6, '*:22', [0, 0, 0, 0]],
    ['::1:22', 6, '[::1]:22', [0, 0, 0, 1]],
    ['::ffff:10.0.0.1:22', 6, '10.0.0.1:22', [0, 0, 0xffff, 0x0a000001]],
    ['fe80::1%eth0:22', 6, '[fe80::1]%eth0:22', [0xfe800000, 0, 0, 1]],
  ])('address %s', (text, family, shown, words) => {
    const {table, problems} = parse(`tcp LISTEN 0 5 ${text} ${text} \n`);
    expect(problems).toEqual([]);
    expect(table.family[0]).toBe(family);
    expect(endpointText(table, 0, 'local')).toBe(shown);
    expect([...table.local]).toEqual(words);
    expect([...table.remote]).toEqual(words);
    expect(isWildcard(table, 0, 'local')).toBe(words.every(word => word === 0));
  });

  it.each([
    '1.2.3:80',
    '1.2.3.256:80',
    '1.2.3.4.5:80',
    '1..3.4:80',
    '[:1]:80',
    '[1::2::3]:80',
    '[1:2:3:4:5:6:7:8:9]:80',
    '[1:2:3:4:5:6:7]:80',
    '[1:2:3:4:5:6:7:8::]:80',
    '[12345::]:80',
    '[::1:]:80',
    '[::1',
    '[]:80',
    '1.2.3.4',
    '1.2.3.4:',
    '1.2.3.4:65536',
    '1.2.3.4:http',
    ':80',
  ])('no address: %s', text => {
    const {table, problems} = parse(`tcp LISTEN 0 5 ${text} *:* ino:1\n`);
    expect(table.count).toBe(0);
    expect(problems[0]?.sentence).toBe(
      `1 line was not understood, the first: “tcp LISTEN 0 5 ${text} *:* ino:1”`,
    );
  });

  it.each(STATES.map(state => [state]))('state %s', state => {
    expect(one(`tcp ${state}  0 0 1.2.3.4:5 6.7.8.9:10 ino:7 sk:1\n`).state).toBe(state);
  });

  it('takes a state that only a newer ss knows for unknown', () => {
    expect(one('tcp BOUND-INACTIVE 0 0 1.2.3.4:5 0.0.0.0:* ino:7 sk:1\n').state).toBe('UNKNOWN');
  });

  it('is not misled by names of processes and cgroups', () => {
    const line =
      'tcp ESTAB 0 0 1.2.3.4:5 6.7.8.9:10 users:(("a ino:9 (b) ",pid=1,fd=2),("x",pid=3,fd=4)) uid:7 ino:8 sk:1 cgroup:/a b ino:9 rtt:9/9 c v6only:0 <-> ts sack cubic wscale:1,2 rto:2 rtt:1.5/2\n';
    expect(one(line)).toMatchObject({uid: 7, inode: 8, rtt: 1.5, congestion: 'cubic'});
  });

  it.each([
    ['ts sack cubic wscale:7,7 rto:201 rtt:1.5/2', 'cubic'],
    ['ts sack ecn ecnseen fastopen dctcp wscale:7,7 rto:201 rtt:1.5/2', 'dctcp'],
    ['skmem:(r0,rb131072) ts sack reno wscale:7,7', 'reno'],
    ['bbr cwnd:10 tcp-ulp-mptcp', 'bbr'],
    ['bbr tcp-ulp-tls version:1.2', 'bbr'],
    ['ts sack wscale:7,7 rtt:1/1 app_limited', ''],
    ['cubic', 'cubic'],
  ])('congestion control in %s', (info, word) => {
    const line = 'tcp ESTAB 0 0 1.2.3.4:5 6.7.8.9:10 uid:1 ino:2 sk:3 cgroup:/ <->';
    expect(one(`${line} ${info}   \n`).congestion).toBe(word);
    expect(one(`${line}\n\t ${info}   \n`).congestion).toBe(word);
    expect(one(`tcp ESTAB 0 0 1.2.3.4:5 6.7.8.9:10 ${info}\n`).congestion).toBe(word);
  });

  it.each([
    ['rtt:0.044/0.022', 0.044],
    ['rtt:20/10', 20],
    ['rtt:1.5e+06/3', 1.5e6],
    ['rtt:5e-05/3', 5e-5],
    ['rtt:/', undefined],
  ])('%s', (token, rtt) => {
    expect(one(`tcp ESTAB 0 0 1.2.3.4:5 6.7.8.9:10 ino:2 sk:3 <-> cubic ${token} mss:1\n`).rtt).toBe(rtt);
  });

  it('tells the total of retrans from its namesakes', () => {
    const line = 'tcp ESTAB 0 0 1.2.3.4:5 6.7.8.9:10 ino:2 sk:3 <-> cubic rtt:1/2 bytes_retrans:99';
    expect(one(`${line} busy:1ms retrans:1/23 lost:1\n`).retrans).toBe(23);
    expect(one(`${line} retrans:1\n`).retrans).toBe(0);
    expect(one(`${line} busy:1ms\n`).retrans).toBe(0);
  });

  it('belongs to root when it has an inode and no uid', () => {
    expect(one('udp UNCONN 0 0 1.2.3.4:5 0.0.0.0:* ino:4294967295 sk:3 <->\n')).toMatchObject({
      uid: 0,
      inode: 4294967295,
    });
    expect(one('udp UNCONN 0 0 1.2.3.4:5 0.0.0.0:*\n')).toMatchObject({uid: NO_UID, inode: 0});
  });

  it('is IPv4 where `*` is not said to be IPv6 (iproute2 4)', () => {
    expect(one('tcp LISTEN 0 128 *:22 *:* ino:5 sk:1 <->\n')).toMatchObject({family: 4, local: '0.0.0.0:22'});
    expect(one('tcp LISTEN 0 128 :::22 :::* ino:5 sk:1 v6only:1 <->\n')).toMatchObject({
      family: 6,
      local: '[::]:22',
    });
  });
});

describe('what was not understood', () => {
  it('is counted, shown once and takes nothing else with it', () => {
    const good = 'tcp LISTEN 0 5 1.2.3.4:80 0.0.0.0:* ino:1\n';
    const {table, problems} = parse(`${good}tcp LISTEN nonsense \u001b[31m\n\t bbr rtt:1/2\n${good}what?\n`);
    expect(rows(table).map(({inode, rtt}) => [inode, rtt])).toEqual([
      [1, undefined],
      [1, undefined],
    ]);
    expect(problems).toEqual([
      {
        netns: '4026531840',
        sentence: '2 lines were not understood, the first: “tcp LISTEN nonsense \ufffd[31m”',
      },
    ]);
  });

  it('leaves nothing behind in the next row', () => {
    const {table} = parse(
      'tcp ESTAB 1 2 [2001:db8::1]%eth0:80 [2001:db8::2]:http ino:1\nudp UNCONN 0 0 0.0.0.0:5 0.0.0.0:*\n',
    );
    expect(rows(table)).toEqual(rows(parse('udp UNCONN 0 0 0.0.0.0:5 0.0.0.0:*').table));
    expect(table.device[0]).toBe(0);
  });

  it('never reads half a line of an answer that was cut', () => {
    const out = sample('borea.txt');
    const whole = rows(parse(out).table);
    for (let stop = 0; stop < out.length; stop += 97) {
      const {table, problems} = parse(out.subarray(0, stop), true);
      expect(problems).toEqual([]);
      // The last socket may have lost its second line.
      const {count} = table;
      expect(rows(table).slice(0, -1)).toEqual(whole.slice(0, Math.max(0, count - 1)));
      if (count > 0) expect(row(table, count - 1).inode).toBe(whole[count - 1]!.inode);
    }
  });

  it('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({maxLength: 400}), fc.boolean(), (out, truncated) => {
        const {table} = parse(out, truncated);
        expect(table.count).toBeLessThanOrEqual(out.length / 10);
      }),
    );
  });

  it('never throws on samples with some bytes changed, and loses no line that was left alone', () => {
    const lines = sample('shapes-tunaieHO.txt').toString('latin1').split('\n').slice(1, -1);
    const whole = rows(parse(lines.join('\n')).table);
    const damage = fc.tuple(fc.nat(lines.length - 1), fc.nat(600), fc.nat(255));
    fc.assert(
      fc.property(fc.array(damage, {minLength: 1, maxLength: 8}), hits => {
        const hit = [...lines];
        for (const [line, at, byte] of hits) {
          const text = hit[line]!;
          hit[line] = text.slice(0, at) + String.fromCharCode(byte === 10 ? 0 : byte) + text.slice(at + 1);
        }
        const {table, problems} = parse(Buffer.from(hit.join('\n'), 'latin1'));
        const seen = new Set(rows(table).map(is => JSON.stringify(is)));
        const spared = whole.filter((_, i) => !hits.some(([line]) => line === i));
        for (const is of spared) expect(seen).toContain(JSON.stringify(is));
        if (table.count < lines.length)
          expect(problems.length + hits.filter(h => h[1] === 0).length).toBeGreaterThan(0);
      }),
    );
  });
});

describe('rows that were made up and printed as ss prints them', () => {
  const v4 = fc.ipV4();
  const address = fc.oneof(
    fc.tuple(fc.constant(4), v4, v4),
    fc.tuple(fc.constant(6), fc.ipV6(), fc.ipV6()).map(([f, a, b]) => [f, `[${a}]`, `[${b}]`] as const),
  );
  const port = fc.integer({min: 1, max: 65_535});
  const word32 = fc.integer({min: 0, max: 0xffff_ffff});
  const made = fc.record({
    udp: fc.boolean(),
    state: fc.constantFrom(...STATES),
    recvQ: word32,
    sendQ: word32,
    address,
    localPort: port,
    remotePort: port,
    inode: fc.integer({min: 1, max: 0xffff_ffff}),
    uid: fc.integer({min: 1, max: 0xffff_fffe}),
    rtt: fc.option(fc.integer({min: 1, max: 999_999}), {nil: undefined}),
    retrans: word32,
    congestion: fc.constantFrom('bbr', 'cubic', 'reno', 'dctcp', 'bbr2'),
    device: fc.option(fc.constantFrom('eth0', 'cali0123456789a', 'v1'), {nil: undefined}),
    twoLines: fc.boolean(),
    pad: fc.nat(20),
  });

  it('come back as they were', () => {
    fc.assert(
      fc.property(fc.array(made, {maxLength: 12}), list => {
        const text = list
          .map(is => {
            const pad = ' '.repeat(is.pad);
            const [, local, remote] = is.address;
            const head = `${is.udp ? 'udp' : 'tcp'} ${is.state}${pad} ${is.recvQ} ${pad}${is.sendQ} ${pad}${local}${is.device ? `%${is.device}` : ''}:${is.localPort} ${pad}${remote}:${is.remotePort} uid:${is.uid} ino:${is.inode} sk:1f cgroup:/x v6only:1 <->`;
            const info = `ts sack ${is.congestion} wscale:7,7${is.rtt === undefined ? '' : ` rtt:${is.rtt / 1000}/1`} mss:9 retrans:0/${is.retrans} lost:1`;
            return `${head}${is.twoLines ? '\n\t ' : ' '}${info}${pad}\n`;
          })
          .join('');
        const {table, problems} = parse(text);
        expect(problems).toEqual([]);
        expect(table.count).toBe(list.length);
        for (const [i, is] of list.entries()) {
          expect(table.protocol[i]).toBe(is.udp ? 1 : 0);
          expect(stateName(table, i)).toBe(is.state);
          expect([table.recvQ[i], table.sendQ[i]]).toEqual([is.recvQ, is.sendQ]);
          expect([table.localPort[i], table.remotePort[i]]).toEqual([is.localPort, is.remotePort]);
          expect([table.inode[i], table.uid[i], table.retrans[i]]).toEqual([is.inode, is.uid, is.retrans]);
          expect(table.rtt[i]).toEqual(is.rtt === undefined ? Number.NaN : Math.fround(is.rtt / 1000));
          expect(table.words[table.congestion[i]!]).toBe(is.congestion);
          expect(table.words[table.device[i]!]).toBe(is.device ?? '');
          expect(table.family[i]).toBe(is.address[0]);
          // The words through another parser: what the text of both sides says when printed again.
          const again = parse(
            `tcp ESTAB 0 0 ${endpointText(table, i, 'local')} ${endpointText(table, i, 'remote')} ino:1 v6only:1\n`,
          );
          expect([...again.table.local]).toEqual([...table.local.subarray(4 * i, 4 * i + 4)]);
          expect([...again.table.remote]).toEqual([...table.remote.subarray(4 * i, 4 * i + 4)]);
          if (is.address[0] === 4) expect(addressText(table, i, 'remote')).toBe(is.address[2]);
        }
      }),
    );
  });
});

describe('many namespaces', () => {
  const line = (port: number, device = 'eth0') =>
    `udp UNCONN 0 0 10.0.0.1%${device}:${port} 0.0.0.0:* ino:${port}\n`;

  it('make one table, in their order, and grow when the beginning misled about the rest', () => {
    const long = `${line(1).repeat(10)}${`${' '.repeat(70_000)}\n`}${line(2).repeat(5000)}`;
    const {table} = parseSockets([
      {netns: '1', out: Buffer.from(long)},
      {netns: '2', out: Buffer.from('')},
      {netns: '3', out: Buffer.from(line(3, 'v1'))},
    ]);
    expect(table.count).toBe(5011);
    expect(table.netns).toEqual(['1', '2', '3']);
    expect(row(table, 5010)).toMatchObject({netns: '3', local: '10.0.0.1%v1:3'});
    expect(row(table, 5009)).toMatchObject({netns: '1', local: '10.0.0.1%eth0:2'});
    expect(table.local.buffer.byteLength).toBeLessThanOrEqual(table.count * 1.06 * ROW_BYTES + 8192);
  });

  it('may keep what an earlier table has of one', () => {
    const earlier = parseSockets([
      {netns: '1', out: Buffer.from(line(1, 'a').repeat(3))},
      {netns: '2', out: Buffer.from(line(2, 'b').repeat(4))},
    ]).table;
    const {table, problems} = parseSockets([
      {netns: '3', out: Buffer.from(line(3, 'c'))},
      {netns: '2', kept: earlier},
      {netns: '9', kept: earlier},
      {netns: '1', kept: earlier},
    ]);
    expect(problems).toEqual([]);
    expect(rows(table).map(({netns, local}) => `${netns} ${local}`)).toEqual([
      '3 10.0.0.1%c:3',
      ...Array(4).fill('2 10.0.0.1%b:2'),
      ...Array(3).fill('1 10.0.0.1%a:1'),
    ]);
    expect(table.from[1]).toBe(earlier.from[3]);
  });

  it('refuses a second answer of the same namespace', () => {
    const {table, problems} = parseSockets([
      {netns: '1', out: Buffer.from(line(1))},
      {netns: '1', out: Buffer.from(line(2))},
    ]);
    expect(table.count).toBe(1);
    expect(problems).toMatchObject([{netns: '1'}]);
  });
});

describe('the fact', () => {
  const soFar: Snapshot = {node: 'atlas', sweep: 3, at: '', uptime: 0, netns: new Map(), gaps: []};
  const reply = (fields: Partial<Reply>): Reply => ({
    node: 'atlas',
    fact: 'sockets',
    reader: 'ss@1',
    netns: '1',
    sweep: 3,
    at: '2026-01-01T00:00:00.000Z',
    uptime: 12,
    ms: 5,
    exit: 0,
    out: Buffer.from(''),
    err: '',
    ...fields,
  });

  it('makes one dated table of all replies', () => {
    const contribution = sockets.collect!(
      [
        reply({netns: '1', sweep: 2, out: sample('atlas-pod.txt')}),
        reply({netns: '2', out: sample('borea-pod.txt')}),
      ],
      soFar,
    );
    expect(contribution.node?.sockets).toMatchObject({
      sweep: 3,
      uptime: 12,
      value: {count: 4, netns: ['1', '2']},
    });
    expect(contribution.gaps).toEqual([]);
  });

  it('gives a device that ss could only number its name in that namespace', () => {
    const bound = (device: string) =>
      Buffer.from(`udp UNCONN 0 0 10.0.0.1%${device}:53 0.0.0.0:* ino:7 sk:1 <->\n`);
    const link = (ifindex: number, name: string): Link => ({
      ifindex,
      name,
      mtu: 1500,
      state: 'UP',
      flags: [],
      from: 0,
      to: 0,
    });
    const links = (value: readonly Link[]) => ({sweep: 1, at: '', uptime: 0, value});
    const {node} = sockets.collect!(
      [
        reply({netns: '1', out: bound('if3')}),
        reply({netns: '2', out: bound('if3')}),
        reply({netns: '3', out: bound('if3')}),
        reply({netns: '4', out: bound('eth0')}),
      ],
      {
        ...soFar,
        netns: new Map([
          ['1', {netns: '1', links: links([link(1, 'lo'), link(3, 'eth0')])}],
          ['2', {netns: '2', links: links([link(3, 'cali1')])}],
          ['3', {netns: '3', links: links([link(4, 'eth0')])}],
        ]),
      },
    );
    const table = node!.sockets!.value;
    expect([0, 1, 2, 3].map(i => endpointText(table, i, 'local'))).toEqual([
      '10.0.0.1%eth0:53',
      '10.0.0.1%cali1:53',
      '10.0.0.1%if3:53',
      '10.0.0.1%eth0:53',
    ]);
  });

  it.each([
    [{exit: 127, err: 'sh: ss: not found\n'}, /^ss is not installed on node atlas/],
    [{err: 'Cannot open netlink socket: Too many open files\n'}, /no socket was seen/],
    [{exit: 124}, /its time was up/],
    [{truncated: true as const}, /was cut after 0 bytes/],
    [
      {exit: 255, err: "ss: invalid option -- 'H'\n"},
      /does not know what it is asked: ss: invalid option -- 'H'/,
    ],
    [{out: Buffer.from('what?\n')}, /1 line was not understood, the first: “what\?”/],
  ])('says why there is nothing: %j', (fields, reason) => {
    const {gaps} = sockets.collect!([reply(fields)], soFar);
    expect(gaps).toMatchObject([
      {node: 'atlas', fact: 'sockets', netns: '1', reason: expect.stringMatching(reason)},
    ]);
  });
});
