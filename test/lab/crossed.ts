/**
 * What really happens to a packet in a lab: it is sent with a mark from inside a namespace, and tcpdump on every link
 * of every namespace of the lab tells which links it crossed, in order, and with which addresses. This is what
 * computed paths are held against; hoptop has no part in it.
 */
import {type ChildProcess, spawn, spawnSync} from 'node:child_process';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import type {LabStatus} from '../../demo/lab/status.ts';
import {type Layer, packetsOf} from './captured.ts';
import {lineOf, type Marks, newMarks, recognise, type Wanted} from './marks.ts';
import {type Located, type Place, placeName, placesOf} from './places.ts';

/** One link that it crossed. On the two ends of a veth pair that is `out` at one and `in` at the other. */
export type Crossing = Place & {
  readonly link: string;
  readonly ifindex: number;
  /** `in` into the namespace that the link is in, `out` of it. */
  readonly direction: 'in' | 'out';
  /**
   * As they were there: before translation on the way in, after it on the way out. From the outermost in: two of them
   * where it crossed the link inside a tunnel.
   */
  readonly layers: readonly Layer[];
  /** Nanoseconds since 1970. */
  readonly at: bigint;
};

export type Crossed = {
  readonly wanted: Wanted;
  /** In the order of time. Empty when it never left, for want of a route. */
  readonly forward: readonly Crossing[];
  /** What came back: a SYN-ACK, a RST, an echoed datagram, or an ICMP error about it. */
  readonly reply: readonly Crossing[];
  /** `icmp 3/3 from 10.244.1.5` names type, code and who said so. */
  readonly answer: string | undefined;
};

type Capture = Located & {
  readonly child: ChildProcess;
  readonly links: ReadonlyMap<number, string>;
  /** Indexes of links that are ports of a bridge. */
  readonly ports: ReadonlySet<number>;
  readonly chunks: Buffer[];
  said: string;
  readonly ended: Promise<void>;
};

/** All UDP, ICMP, and of TCP what opens and refuses; `tcp[…]` cannot be asked of IPv6 (pcap-filter(7)). */
const FILTER = 'udp or icmp or icmp6 or (ip and tcp[13] & 6 != 0) or (ip6[6] = 6 and ip6[53] & 6 != 0)';

const linksIn = (located: Located) => {
  const {stdout, stderr} = spawnSync(located.enter[0]!, [...located.enter.slice(1), 'ip', '-j', 'link'], {
    encoding: 'utf8',
  });
  if (!stdout) throw new Error(`No links could be read in ${placeName(located.place)}: ${stderr}`);
  return JSON.parse(stdout) as {ifindex: number; ifname: string; master?: string}[];
};

const startCapture = (located: Located): Capture => {
  const links = linksIn(located);
  const argv = [...located.enter, 'tcpdump', '-i', 'any', '-y', 'LINUX_SLL2', '-n', '-U', '-w', '-'];
  argv.push('--immediate-mode', '--time-stamp-precision=nano', '-s', '512', '-B', '4096', FILTER);
  const child = spawn(argv[0]!, argv.slice(1), {stdio: ['ignore', 'pipe', 'pipe']});
  const capture: Capture = {
    ...located,
    child,
    links: new Map(links.map(each => [each.ifindex, each.ifname])),
    ports: new Set(links.filter(each => each.master).map(each => each.ifindex)),
    chunks: [],
    said: '',
    ended: new Promise(resolve => child.on('close', () => resolve())),
  };
  child.stdout.on('data', (chunk: Buffer) => capture.chunks.push(chunk));
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    capture.said += text;
  });
  return capture;
};

/** @throws when it has not become so after half a minute: a machine may be busy, but something is wrong then */
const until = async (what: string, isSo: () => boolean) => {
  for (const end = Date.now() + 30_000; !isSo(); await sleep(20))
    if (Date.now() > end) throw new Error(`${what} did not come.`);
};

const startSender = ({enter}: Located) => {
  const argv = [...enter, 'perl', join(import.meta.dirname, 'send.pl')];
  const child = spawn(argv[0]!, argv.slice(1), {stdio: ['pipe', 'pipe', 'inherit']});
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const ended = new Promise<void>(resolve => child.on('close', () => resolve()));
  return {
    /** Sends, and gives when all has been sent. */
    send: async (lines: readonly string[]) => {
      const before = said.length;
      child.stdin.write(`${[...lines, ''].join('\n')}\n`);
      await until(
        'The word of send.pl that all is sent',
        () => said.length > before || child.exitCode !== null,
      );
      if (child.exitCode) throw new Error(`send.pl ended with status ${child.exitCode}.`);
    },
    end: () => {
      child.stdin.end();
      return ended;
    },
  };
};

/** Sends a round from every place at once. */
const sendAll = (
  senders: ReadonlyMap<string, ReturnType<typeof startSender>>,
  marks: Marks,
  wanted: readonly Wanted[],
) =>
  Promise.all(
    [...senders].map(([name, sender]) =>
      sender.send(
        wanted.flatMap((each, index) => (placeName(each.from) === name ? [lineOf(marks, each, index)] : [])),
      ),
    ),
  );

/** Every capture has written a last packet on its own loopback, so all that was captured before has been read. */
const flushed = async (captures: readonly Capture[]) => {
  const last = `${newMarks().payload}last`;
  const senders = captures.map(startSender);
  await Promise.all(senders.map(sender => sender.send([`udp 127.0.0.1 9 ${last}`])));
  // Looked for in all of it: while one capture is slow, what others took goes on behind their last packet.
  const done = new Set<Capture>();
  const isDone = (capture: Capture) => {
    if (!done.has(capture) && Buffer.concat(capture.chunks).includes(last)) done.add(capture);
    return done.has(capture);
  };
  await until("A capture's last packet", () => captures.every(isDone));
  await Promise.all(senders.map(sender => sender.end()));
};

/** How often one that brought no answer back is sent again. */
const AGAIN = 2;

/**
 * Sends all the wanted packets and tells what each crossed, in the order of `wanted`. Takes seconds, however many they
 * are. Each is sent twice, and the second time counts: by then neighbours and bridges know who is where, so nothing is
 * flooded. (A service may choose another endpoint for the second; that one is told.) One whose answer did not come
 * back is sent again, and the last time counts: a kernel that asks for a neighbour anew drops what waits for it, and
 * that is no path; what is dropped each time is told as it was.
 * @throws when a place is not in the lab, or when packets of a capture were dropped
 */
export const crossed = async (status: LabStatus, wanted: readonly Wanted[]): Promise<Crossed[]> => {
  const places = new Map(placesOf(status).map(located => [placeName(located.place), located]));
  const senders = new Map(
    [...new Set(wanted.map(each => placeName(each.from)))].map(name => {
      const located = places.get(name);
      if (!located) throw new Error(`Lab ${status.name} has no ${name}.`);
      return [name, startSender(located)];
    }),
  );
  const captures: Capture[] = [];
  const found: Crossed[] = [];
  try {
    await sendAll(senders, newMarks(), wanted);
    for (const located of places.values()) captures.push(startCapture(located));
    await until("A capture's word that it listens", () =>
      captures.every(each => each.said.includes('listening on')),
    );
    let open = wanted.map((_, index) => index);
    for (let round = 0; round <= AGAIN && open.length > 0; round++) {
      const marks = newMarks();
      const sent = open.map(index => wanted[index]!);
      await sendAll(senders, marks, sent);
      await sleep(300); // on their way
      await flushed(captures);
      const seen = sorted(captures, marks, sent);
      for (const [at, index] of open.entries()) found[index] = seen[at]!;
      open = open.filter(index => !isBack(found[index]!));
    }
  } finally {
    await Promise.all([...senders.values()].map(sender => sender.end()));
    for (const {child} of captures) child.kill('SIGINT');
    await Promise.all(captures.map(capture => capture.ended));
  }
  for (const {place, said} of captures) {
    const dropped = /(\d+) packets? dropped by kernel/.exec(said)?.[1];
    if (dropped !== '0') throw new Error(`The capture in ${placeName(place)} is not whole: ${said.trim()}`);
  }
  return found;
};

/** Its answer came as far as the namespace that it was sent from. */
const isBack = ({wanted, reply}: Crossed) => {
  const last = reply.at(-1);
  return last?.direction === 'in' && placeName(last) === placeName(wanted.from);
};

const sorted = (captures: readonly Capture[], marks: Marks, wanted: readonly Wanted[]): Crossed[] => {
  const found = wanted.map(each => ({
    wanted: each,
    forward: [] as Crossing[],
    reply: [] as Crossing[],
    answer: undefined as string | undefined,
  }));
  for (const {place, links, ports, chunks} of captures) {
    for (const packet of packetsOf(Buffer.concat(chunks))) {
      const known = recognise(marks, packet, wanted.length);
      if (!known) continue;
      const {ifindex, at, layers} = packet;
      const link = links.get(ifindex) ?? `link ${ifindex}`;
      const one = found[known.index]!;
      // Only a bridge's port takes what is for another's MAC address.
      if (packet.direction === 'other' && !ports.has(ifindex))
        throw new Error(`A packet to ${one.wanted.to} was flooded as far as ${link} in ${placeName(place)}.`);
      const crossing: Crossing = {
        ...place,
        link,
        ifindex,
        direction: packet.direction === 'out' ? 'out' : 'in',
        layers,
        at,
      };
      if (known.answer) one.answer ??= known.answer;
      (known.answer ? one.reply : one.forward).push(crossing);
    }
  }
  const byTime = (a: Crossing, b: Crossing) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0);
  for (const each of found) {
    each.forward.sort(byTime);
    each.reply.sort(byTime);
  }
  return found;
};

/** `worker-1 shop/db-0 eth0 out`, one per line: how a list of crossings reads in a failed test. */
export const crossingText = (crossing: Crossing) => {
  const {source, destination} = crossing.layers.at(-1)!;
  const tunnel =
    crossing.layers.length > 1
      ? ` in ${crossing.layers[0]!.source} → ${crossing.layers[0]!.destination}`
      : '';
  return `${placeName(crossing)} ${crossing.link} ${crossing.direction} ${source} → ${destination}${tunnel}`;
};
