/**
 * The decompressed inside of a block: records, each a kind, a length and a body, with the replies' outputs apart
 * behind them (they compress better when nothing that always changes stands between them). One encoder, and one
 * decoder, lives as long as a segment: numbers are differences from the record before, and an output equal to the
 * last one of its slot is only flagged. FORMAT.md lists the fields.
 */
import type {NodeEvent, Reply, SourceEvent, Swept} from '../source.ts';
import {type ByteReader, byteReader, byteWriter, Overrun} from './bytes.ts';
import {nodeOf, slotOf, type World} from './world.ts';

const kind = {node: 0, slot: 1, reply: 2, event: 3, swept: 4, standing: 5, pending: 6, state: 7, last: 8};
const flag = {sameOut: 1, sameErr: 2, truncated: 4, stood: 8};
const states: readonly NodeEvent['state'][] = ['dialling', 'ready', 'lost', 'back'];

/** One thing that happened, at its place on the recording's time line (milliseconds since 1970, never falling). */
export type Entry = {readonly time: number; readonly event: SourceEvent; readonly gone?: readonly string[]};

/** What differences are taken from; the same on both sides at the same record. */
type Running = {at: number; readonly nodes: Map<string, {id: number; sweep: number; uptime: number}>};
type Slot = {readonly id: number; out: Uint8Array; err: string};

export type Encoder = {
  /** Writes the state that the segment begins with. */
  base(world: World): void;
  entry(entry: Entry): void;
  /** Bytes since the last `take`. */
  size(): number;
  take(): Buffer;
};

export function createEncoder(): Encoder {
  const heads = byteWriter();
  const body = byteWriter();
  let texts: Uint8Array[] = [];
  let textSize = 0;
  const running: Running = {at: 0, nodes: new Map()};
  const slots = new Map<string, Slot>();
  let lastSlot = -1;
  const record = (of: number) => {
    heads.unsigned(of);
    heads.bytes(body.take());
  };
  const node = (name: string) => {
    let known = running.nodes.get(name);
    if (known === undefined) {
      known = {id: running.nodes.size, sweep: 0, uptime: 0};
      running.nodes.set(name, known);
      body.text(name);
      record(kind.node);
    }
    return known;
  };
  const at = (iso: string) => {
    const time = Date.parse(iso);
    const value = Number.isNaN(time) ? running.at : time;
    body.signed(value - running.at);
    running.at = value;
  };
  const reply = (of: number, value: Reply) => {
    const host = node(value.node);
    const key = `${value.node}\n${value.reader}\n${slotOf(value)}`;
    let slot = slots.get(key);
    if (slot === undefined) {
      slot = {id: slots.size, out: new Uint8Array(), err: ''};
      slots.set(key, slot);
      body.unsigned(host.id);
      body.text(value.fact);
      body.text(value.reader);
      body.unsigned(value.netns === undefined ? 0 : 1);
      if (value.netns !== undefined) body.text(value.netns);
      record(kind.slot);
    }
    const sameOut = Buffer.compare(slot.out, value.out) === 0;
    const sameErr = slot.err === value.err;
    body.signed(slot.id - lastSlot - 1);
    body.unsigned(
      (sameOut ? flag.sameOut : 0) |
        (sameErr ? flag.sameErr : 0) |
        (value.truncated ? flag.truncated : 0) |
        (value.same === undefined ? 0 : flag.stood),
    );
    sweepAndUptime(value.sweep, value.uptime, host);
    at(value.at);
    body.unsigned(value.ms);
    body.signed(value.exit);
    if (!sameOut) {
      body.unsigned(value.out.length);
      texts.push(value.out);
      textSize += value.out.length;
    }
    if (!sameErr) body.text(value.err);
    if (value.same !== undefined) body.text(value.same);
    record(of);
    lastSlot = slot.id;
    slot.out = value.out;
    slot.err = value.err;
  };
  const sweepAndUptime = (sweep: number, uptime: number, host: {sweep: number; uptime: number}) => {
    const centis = Math.round(uptime * 100);
    body.signed(sweep - host.sweep);
    body.signed(centis - host.uptime);
    host.sweep = sweep;
    host.uptime = centis;
  };
  const event = (of: number, value: NodeEvent) => {
    const host = node(value.node);
    body.unsigned(host.id);
    at(value.at);
    body.unsigned(states.indexOf(value.state));
    body.unsigned(
      (value.step === undefined ? 0 : 1) |
        (value.cause === undefined ? 0 : 2) |
        (value.since === undefined ? 0 : 4),
    );
    if (value.step !== undefined) body.text(value.step);
    if (value.cause !== undefined) body.text(value.cause);
    if (value.since !== undefined) body.text(value.since);
    record(of);
  };
  const swept = (of: number, value: Swept, gone: readonly string[]) => {
    const host = node(value.node);
    body.unsigned(host.id);
    sweepAndUptime(value.swept, value.uptime, host);
    at(value.at);
    body.unsigned(value.cpu * 1000);
    body.unsigned(value.wall * 1000);
    body.unsigned(value.bytes);
    body.unsigned(value.trips);
    body.unsigned(gone.length);
    for (const netns of gone) body.text(netns);
    record(of);
  };
  return {
    base: world => {
      for (const {event: state, swept: last, replies, pending} of world.values()) {
        for (const value of replies.values()) reply(kind.standing, value);
        for (const value of pending) reply(kind.pending, value);
        if (state !== undefined) event(kind.state, state);
        if (last !== undefined) swept(kind.last, last, []);
      }
    },
    entry: ({event: value, gone}) => {
      if (value.type === 'reply') reply(kind.reply, value);
      else if (value.type === 'node') event(kind.event, value);
      else swept(kind.swept, value, gone ?? []);
    },
    size: () => heads.size() + textSize,
    take: () => {
      const front = byteWriter();
      front.bytes(heads.take());
      const all = Buffer.concat([front.take(), ...texts]);
      texts = [];
      textSize = 0;
      return all;
    },
  };
}

export type Decoder = {
  /**
   * Decodes one block's bytes; blocks come in order. `start` is where the time line stands before it. What belongs to
   * the state that the segment begins with goes into `base`, the rest is returned. Throws `Overrun` on damage.
   */
  block(raw: Buffer, start: number, base: World): Entry[];
};

export function createDecoder(): Decoder {
  const running: Running = {at: 0, nodes: new Map()};
  const names: string[] = [];
  const slots: (Slot & {node: string; fact: string; reader: string; netns?: string})[] = [];
  let lastSlot = -1;
  let texts: Buffer = Buffer.alloc(0);
  const nodeNamed = (id: number) => must(names[id]);
  const hostOf = (name: string) => must(running.nodes.get(name));
  const at = (body: ByteReader) => {
    running.at += body.signed();
    const date = new Date(running.at);
    if (Number.isNaN(date.getTime())) throw new Overrun('a time is out of range');
    return date.toISOString();
  };
  const sweepAndUptime = (body: ByteReader, host: {sweep: number; uptime: number}) => {
    host.sweep += body.signed();
    host.uptime += body.signed();
    return {sweep: host.sweep, uptime: host.uptime / 100};
  };
  const declare = (body: ByteReader) => {
    const node = nodeNamed(body.unsigned());
    const slot = {node, fact: body.text(), reader: body.text(), id: slots.length, err: ''};
    const netns = body.unsigned() === 1 ? {netns: body.text()} : {};
    slots.push({...slot, ...netns, out: new Uint8Array()});
  };
  const reply = (body: ByteReader): Reply => {
    const slot = must(slots[lastSlot + 1 + body.signed()]);
    lastSlot = slot.id;
    const flags = body.unsigned();
    const when = sweepAndUptime(body, hostOf(slot.node));
    const time = at(body);
    const ms = body.unsigned();
    const exit = body.signed();
    if ((flags & flag.sameOut) === 0) {
      const length = body.unsigned();
      if (length > texts.length) throw new Overrun('an output is longer than its block');
      slot.out = texts.subarray(0, length);
      texts = texts.subarray(length);
    }
    if ((flags & flag.sameErr) === 0) slot.err = body.text();
    const same = (flags & flag.stood) === 0 ? {} : {same: body.text()};
    const {node, fact, reader, netns, out, err} = slot;
    return {
      ...{node, fact, reader},
      ...(netns === undefined ? {} : {netns}),
      ...{...when, at: time, ms, exit, out, err},
      ...(flags & flag.truncated ? {truncated: true} : {}),
      ...same,
    };
  };
  const event = (body: ByteReader): NodeEvent => {
    const node = nodeNamed(body.unsigned());
    const time = at(body);
    const state = must(states[body.unsigned()]);
    const flags = body.unsigned();
    const step = flags & 1 ? {step: body.text()} : {};
    const cause = flags & 2 ? {cause: body.text()} : {};
    const since = flags & 4 ? {since: body.text()} : {};
    return {node, at: time, state, ...step, ...cause, ...since};
  };
  const swept = (body: ByteReader): Swept & {gone: string[]} => {
    const node = nodeNamed(body.unsigned());
    const {sweep, uptime} = sweepAndUptime(body, hostOf(node));
    const time = at(body);
    const cost = {cpu: body.unsigned() / 1000, wall: body.unsigned() / 1000};
    const size = {bytes: body.unsigned(), trips: body.unsigned()};
    const gone: string[] = [];
    for (let left = body.unsigned(); left > 0; left--) gone.push(body.text());
    return {node, swept: sweep, at: time, uptime, ...cost, ...size, gone};
  };
  return {
    block: (raw, start, base) => {
      const front = byteReader(raw);
      const heads = byteReader(front.bytes());
      texts = raw.subarray(raw.length - front.left());
      let time = start;
      const entries: Entry[] = [];
      const add = (value: SourceEvent, gone?: readonly string[]) => {
        time = Math.max(time, running.at);
        entries.push({time, event: value, ...(gone && gone.length > 0 ? {gone} : {})});
      };
      while (!heads.done()) {
        const of = heads.unsigned();
        const body = byteReader(heads.bytes());
        if (of === kind.node) {
          const name = body.text();
          running.nodes.set(name, {id: names.length, sweep: 0, uptime: 0});
          names.push(name);
        } else if (of === kind.slot) declare(body);
        else if (of === kind.reply) add({type: 'reply', ...reply(body)});
        else if (of === kind.event) add({type: 'node', ...event(body)});
        else if (of === kind.swept) {
          const {gone, ...value} = swept(body);
          add({type: 'swept', ...value}, gone);
        } else if (of === kind.standing) {
          const value = reply(body);
          nodeOf(base, value.node).replies.set(slotOf(value), value);
        } else if (of === kind.pending) {
          const value = reply(body);
          nodeOf(base, value.node).pending.push(value);
        } else if (of === kind.state) {
          const value = event(body);
          nodeOf(base, value.node).event = value;
        } else if (of === kind.last) {
          const {gone: _, ...value} = swept(body);
          nodeOf(base, value.node).swept = value;
        }
        // Any other kind is of a newer minor version, which may only add what can be left out.
      }
      return entries;
    },
  };
}

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Overrun('a record names something that was not declared');
  return value;
}
