import {dated, gapsOf} from './contribution.ts';
import type {Parsed, Span} from './evidence.ts';
import type {Fact} from './fact.ts';
import {linesOf} from './lines.ts';
import {optional} from './links.ts';
import {canonical} from './prefix.ts';

/** What came of a few echo requests that the user asked for. */
export type Probe = Span & {
  readonly destination: string;
  readonly sent: number;
  readonly received: number;
  /** Average, in milliseconds. */
  readonly rtt?: number;
};

/** Echo requests of one probe, and seconds between them. */
export const PROBE = {count: 10, interval: 0.2} as const;

const PING = `ping -q -c ${PROBE.count} -i ${PROBE.interval} -W 1`;

/**
 * Sample (iputils 20221126):
 * ```
 * PING 10.44.0.12 (10.44.0.12) 56(84) bytes of data.
 *
 * --- 10.44.0.12 ping statistics ---
 * 3 packets transmitted, 3 received, 0% packet loss, time 405ms
 * rtt min/avg/max/mdev = 0.039/0.066/0.089/0.020 ms
 * ```
 * busybox prints `3 packets received` and `round-trip min/avg/max = …`.
 */
export function parseProbe(out: Uint8Array): Parsed<Probe> {
  let destination: string | undefined;
  let counts: {from: number; to: number; sent: number; received: number} | undefined;
  let rtt: number | undefined;
  for (const {text, from, to} of linesOf(out)) {
    destination ??= canonical(/^PING (\S+?):? /.exec(text)?.[1] ?? '');
    const [, sent, received] = /^(\d+) packets transmitted, (\d+) (?:packets )?received/.exec(text) ?? [];
    if (sent !== undefined) counts = {from, to, sent: Number(sent), received: Number(received)};
    const average = /^(?:rtt|round-trip) min\/avg\/max\S* = [\d.]+\/([\d.]+)\//.exec(text)?.[1];
    if (average !== undefined) rtt = Number(average);
  }
  if (destination === undefined || !counts)
    return {rows: [], problems: ['what came of the probe is not said.']};
  return {rows: [{...counts, destination, ...optional('rtt', rtt)}], problems: []};
}

export const PROBES: Fact = {
  name: 'probes',
  reader: {
    name: 'ping@1',
    fact: 'probes',
    scope: 'each-netns',
    command: PING,
    asks: {
      as: 'argument',
      line: /(?:[0-9a-f]{0,4}:[0-9a-f:.]{1,40}|\d{1,3}(?:\.\d{1,3}){3})/,
      usage: 'ADDRESS',
      otherwise: `busybox ${PING}`,
    },
    why: 'With `path … --probe`, and never else: whether echo requests come back, and which counters they move.',
    touches: `Sends ${PROBE.count} ICMP echo requests of 56 bytes, ${PROBE.interval} s apart, from the namespace to the address.`,
    limit: 100_000,
    timeout: 10,
  },
  cadence: {when: 'asked'},
  contribute(reply) {
    const {rows, problems} = parseProbe(reply.out);
    // 1: no answer came, which is an answer.
    const gaps = gapsOf(
      reply,
      {name: 'ping', package: 'iputils-ping', fine: [1]},
      reply.exit > 1 ? [] : problems,
    );
    if (reply.netns === undefined || rows.length === 0) return {gaps};
    return {netns: new Map([[reply.netns, {probes: dated(reply, rows)}]]), gaps};
  },
  /** Nothing secret: an address and times. */
  redact: out => out,
};
