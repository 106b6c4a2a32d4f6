import {execFileSync, spawn, spawnSync} from 'node:child_process';
import {once} from 'node:events';
import {readFileSync} from 'node:fs';
import {createInterface} from 'node:readline';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {parseSockets, type SocketTable, sockets} from '../../source/facts/sockets.ts';
import {endpointText, stateName} from './socket-text.ts';

/** What runs inside the namespace: servers, clients and UDP, over IPv4, IPv6 and v4-mapped; then it waits. */
const INSIDE = `
const net = require('node:net'), dgram = require('node:dgram');
const listen = (port, host, ipv6Only) => new Promise(done => {
  const server = net.createServer(socket => socket.on('error', () => {})).listen({port, host, ipv6Only}, () => done(server));
});
const connect = (port, host) => new Promise(done => { const s = net.connect(port, host, () => { s.write('x'.repeat(99)); done(s); }); });
const bind = (type, port, address) => new Promise(done => { const s = dgram.createSocket({type, ipv6Only: false}); s.bind(port, address, () => done(s)); });
(async () => {
  await listen(7001, '127.0.0.1'); await listen(7002, '::', false); await listen(7003, '::', true); await listen(7004, '0.0.0.0');
  for (let i = 0; i < 5; i++) await connect(7001, '127.0.0.1');
  await connect(7002, '127.0.0.1'); await connect(7002, '::1'); await connect(7003, '::1');
  await bind('udp4', 7005, '127.0.0.1'); await bind('udp6', 7006, '::');
  const udp = await bind('udp4', 7007, '127.0.0.1'); udp.connect(7005, '127.0.0.1');
  setTimeout(() => console.log('ready'), 200);
  process.stdin.resume().on('end', () => process.exit());
})();
`;

function missing(): string | undefined {
  if (process.platform !== 'linux') return 'this is not Linux';
  if (process.getuid?.() !== 0) return 'it takes root';
  for (const tool of ['ss', 'ip', 'unshare', 'nsenter']) {
    if (spawnSync(tool, ['-V']).error) return `${tool} is not installed`;
  }
  return undefined;
}

const why = missing();
const tables: Record<string, SocketTable> = {};

describe.skipIf(why)(`ss in a namespace of our own${why ? ` (skipped: ${why})` : ''}`, () => {
  const script = 'ip link set lo up && exec "$0" -e "$1"';
  let child: ReturnType<typeof spawn> | undefined;
  const inside = (...command: string[]) =>
    execFileSync('nsenter', ['-t', String(child!.pid), '-n', ...command], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });

  beforeAll(async () => {
    child = spawn('unshare', ['-n', 'sh', '-c', script, process.execPath, INSIDE], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await once(createInterface({input: child.stdout!}), 'line');
    const commands = ['ss -tunaieH', 'ss -tunaieHO', 'ss -tunaeH', sockets.reader.command];
    for (const command of commands) {
      const {table, problems} = parseSockets([{netns: '1', out: inside('sh', '-c', command)}]);
      expect(problems).toEqual([]);
      tables[command] = table;
    }
  });

  afterAll(async () => {
    if (!child || child.exitCode !== null) return;
    child.stdin!.end();
    await once(child, 'exit');
  });

  const steady = (table: SocketTable) =>
    Array.from({length: table.count}, (_, i) => ({
      local: endpointText(table, i, 'local'),
      remote: endpointText(table, i, 'remote'),
      state: stateName(table, i),
      family: table.family[i],
      v6only: table.v6only[i],
      inode: table.inode[i],
      uid: table.uid[i],
      queues: [table.recvQ[i], table.sendQ[i]],
    })).sort((a, b) => a.inode! - b.inode!);

  it('says the same on one line as on two, without -i, and with few open files', () => {
    const two = tables['ss -tunaieH']!;
    expect(two.count).toBe(4 + 8 * 2 + 3);
    expect(steady(tables['ss -tunaieHO']!)).toEqual(steady(two));
    expect(steady(tables['ss -tunaeH']!)).toEqual(steady(two));
    expect(steady(tables[sockets.reader.command]!)).toEqual(steady(two));
    const name = (table: SocketTable) => [...table.congestion].map(i => table.words[i]).sort();
    expect(name(tables['ss -tunaieHO']!)).toEqual(name(two));
    expect([...two.rtt].filter(Number.isFinite)).toHaveLength(16);
  });

  it('has the inodes that /proc/net shows, each with its addresses', () => {
    const two = tables['ss -tunaieH']!;
    const known = new Map(steady(two).map(is => [is.inode, is]));
    const proc = ['tcp', 'tcp6', 'udp', 'udp6'].flatMap(file =>
      readFileSync(`/proc/${child!.pid}/net/${file}`, 'utf8')
        .trim()
        .split('\n')
        .slice(1)
        .map(line => line.trim().split(/\s+/)),
    );
    expect(new Set(proc.map(fields => Number(fields[9])))).toEqual(new Set(known.keys()));
    for (const fields of proc) {
      const port = Number.parseInt(fields[1]!.split(':')[1]!, 16);
      const is = known.get(Number(fields[9]))!;
      expect(is.local).toMatch(new RegExp(`:${port}$`));
      expect(is.uid).toBe(Number(fields[7]));
      if (/^0100007F:/.test(fields[1]!)) expect(is.local).toBe(`127.0.0.1:${port}`);
    }
  });
});
