import {FACTS} from '../facts/catalogue.ts';
import {hang} from '../options.ts';

/** Everything that can run on a node: what, where, when, why, and what it may touch there. */
export function commandsText(): string {
  const lines = [
    'Everything that hoptop can run on a node. Nothing else ever runs there and nothing is written.',
    'One POSIX shell (sh) per node, started over SSH, niced, runs these; "each netns" ones are entered with',
    '`nsenter --net=…`. Every command is bounded in time (`timeout`) and output (`head -c`).',
    '',
  ];
  for (const {name, reader, cadence} of FACTS) {
    const when =
      cadence.when === 'sweep'
        ? 'every sweep'
        : cadence.when === 'once'
          ? 'once'
          : `when something changed, at least every ${cadence.backstop} sweeps`;
    lines.push(
      `${name} (${reader.name}): ${reader.scope === 'node' ? 'once a node' : 'each netns'}, ${when}`,
    );
    lines.push(...reader.command.split('\n').map(line => `    $ ${line}`));
    if (reader.stdin)
      lines.push(
        ...reader.stdin
          .trimEnd()
          .split('\n')
          .map(line => `    < ${line}`),
      );
    lines.push(...hang('    ', reader.why, 100));
    if (reader.withoutRoot) lines.push(...hang('    without root: ', reader.withoutRoot, 100));
    if (reader.touches) lines.push(...hang('    may touch: ', reader.touches, 100));
    lines.push(`    limits: ${reader.timeout} s, ${Math.round(reader.limit / 1024)} KiB`, '');
  }
  return `${lines.join('\n')}\n`;
}
