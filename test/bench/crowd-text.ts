/**
 * What ss would say about very many sockets: real captured lines, each with other addresses, ports and inode.
 */
import {readFileSync} from 'node:fs';

const folder = new URL('../fixtures/ss/', import.meta.url);

/** Sockets of a capture as their lines (one or two), without what the capture's 2>&1 mixed in. */
export function capturedSockets(file: string): readonly string[] {
  const lines = readFileSync(new URL(file, folder), 'utf8').split('\n');
  const found: string[] = [];
  for (const line of lines) {
    if (/^(tcp|udp) /.test(line)) found.push(line);
    else if (/^\s+\S/.test(line)) found.push(`${found.pop()}\n${line}`);
  }
  return found;
}

/** The same sockets as ss prints them without -i: the first of two lines, each padded to the longest. */
export function withoutInfo(samples: readonly string[]): readonly string[] {
  const lines = samples.map(sample => sample.split('\n', 1)[0]!.trimEnd());
  const width = Math.max(...lines.map(line => line.length));
  return lines.map(line => line.padEnd(width));
}

/**
 * One namespace's answer of `count` sockets. Row `first + i` has an address, ports and an inode of its own; columns
 * and padding stay as they were captured, so that a line costs what a real one costs.
 */
export function manySockets(samples: readonly string[], first: number, count: number): Buffer {
  const out: string[] = [];
  for (let i = first; i < first + count; i++) {
    const mix = Math.imul(i, 0x9e3779b1) >>> 0;
    out.push(
      samples[i % samples.length]!.replace(/(\d+\.\d+\.\d+\.\d+)(\]?:\d+ )/g, (was, ip: string) =>
        ip === '0.0.0.0'
          ? was
          : `10.${(mix >>> 24) & 255}.${(mix >>> 16) & 255}.${i & 255}${was.slice(ip.length)}`,
      )
        .replace(/:(\d{5}) /, () => `:${10_000 + (mix % 50_000)} `)
        .replace(/ino:[1-9]\d*/, () => `ino:${100_000 + i}`),
    );
  }
  return Buffer.from(`${out.join('\n')}\n`);
}
