import type {Read, Reader} from './source.ts';

/** The text of sweeps: what the shell of `agent.ts` is fed for one, besides what that shell is. */

/** One word of a POSIX shell, whatever is in it. */
export const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

/** What a reader is asked goes into the text as it is, so every line must be of the shape that the reader allows. */
const asking = (
  command: string,
  {as, line, otherwise}: NonNullable<Reader['asks']>,
  asked: readonly string[],
) => {
  const whole = new RegExp(`^(?:${line.source})$`);
  const odd = asked.find(one => one.includes('\n') || !whole.test(one));
  if (odd !== undefined || asked.length === 0 || (as === 'argument' && asked.length > 1)) {
    throw new TypeError(
      `\`${command}\` cannot be asked ${odd === undefined ? `${asked.length} things` : `"${odd}"`}.`,
    );
  }
  if (as === 'argument') {
    const argument = quoted(asked[0]!);
    const first = `"$@" ${command} ${argument}`;
    return otherwise === undefined
      ? first
      : `${first}; hop_e=$?; [ "$hop_e" != 127 ] || { "$@" ${otherwise} ${argument}; hop_e=$?; }; ( exit "$hop_e" )`;
  }
  const lines = quoted(`${asked.join('\n')}\n`);
  return `printf '%s\\n' ${lines}; printf %s ${lines} | "$@" ${command}`;
};

/** The shell text of a reader in one namespace; `"$@"` is the way in, `nsenter --net=… --` or nothing. */
const entered = ({reader: {command, stdin, files, asks, proc, also}, asked}: Read) => {
  if (asks !== undefined) return asking(command, asks, asked ?? []);
  if (proc) return withAlso(byProcess(command), also);
  if (also !== undefined) return withAlso(`echo ${quoted(`# ${command}`)}; "$@" ${command}`, also);
  if (stdin !== undefined) return `printf %s ${quoted(stdin)} | "$@" ${command}`;
  if (files === undefined) return `"$@" ${command}`;
  return [
    'if [ -n "$hop_limits" ]; then',
    // The limit is set in the process that becomes the command: no shell is started for it. A library that is loaded
    // before all others (some agents for security do that) may hold files of its own.
    // Of what it may not open it complains once for every socket, which costs more than the sockets; so only in the
    // node's own namespace is it heard, where it says the same of what matters.
    '( [ $# = 0 ] || exec 2>/dev/null',
    `[ -n "$LD_PRELOAD" ] || [ -s /etc/ld.so.preload ] || ulimit -Sn ${whole(files)}; exec "$@" ${command} )`,
    // Not again for what a signal or the guard ended, or what is not there.
    `case $? in 0) ;; 12[4-9]|1[3-5]?) ( exit $? );; *) "$@" ${command};; esac`,
    `else "$@" ${command}; fi`,
  ].join('\n');
};

/**
 * Whether the limit may be set, once for all namespaces: BusyBox's ash that cannot become the command has file
 * descriptors to put back, may not under the limit, and says so without end. So both programs must be there.
 */
const limitable = (command: string) =>
  `hop_limits=; if command -v nsenter >/dev/null 2>&1 && command -v ${command.split(' ')[0]} >/dev/null 2>&1; then hop_limits=1; fi`;

/** Through the files of the process by which a namespace would be entered; only where there is none, by entering it. */
const byProcess = (command: string) =>
  // The first words of the way in are `nsenter --net=PATH`.
  `hop_net=/proc/self/net; hop_sys=/sys/class/net
case \${2-} in
--net=/proc/*) hop_sys=\${2#--net=}; hop_sys=\${hop_sys%/ns/net}; hop_net=$hop_sys/net; hop_sys=$hop_sys/root/sys/class/net;;
?*) hop_sys=/proc/self/none;; esac
case $hop_net$# in
/proc/self/net[1-9]*) export hop_net hop_sys; "$@" sh -c ${quoted(command)};;
*) ${command};; esac`;

/** A command's status is that of the first; the others run where they can, and may fail. */
const withAlso = (first: string, also: readonly string[] = []) =>
  [
    `${first}; hop_e=$?`,
    'if [ $# = 0 ] || { [ -z "$hop_nets" ] && command -v nsenter >/dev/null 2>&1; }; then',
    ...also.map(
      command =>
        `if command -v ${command.split(' ')[0]} >/dev/null 2>&1; then echo ${quoted(`# ${command}`)}; "$@" ${command}; fi`,
    ),
    ':; fi; ( exit "$hop_e" )',
  ].join('\n');

const whole = (value: number) => Math.max(1, Math.ceil(value));

/**
 * The body of a sweep as the function `hop_sweep_ID`, defined once in a session and called by each later sweep of
 * the same reads. It holds readers' constant text only.
 */
export function sweepText(id: number, reads: readonly Read[]): string {
  const all = reads.map((read, index) => ({read, index}));
  const slight = all.filter(({read}) => read.reader.slight);
  const pipes = [slight, ...all.filter(({read}) => !read.reader.slight).map(one => [one])];
  const look = reads.some(({reader}) => reader.scope !== 'node' || reader.command.includes('hop_pids'));
  return [
    `hop_sweep_${id}() {`,
    'echo "busy $2" >&4',
    ...(look ? ['hop_look'] : []),
    ...(reads.some(mayStand) ? ['hop_stir'] : []),
    // Through a pipe that gathers: else each line is a packet of its own, dear to encrypt and to decrypt.
    '{ { {',
    ...pipes.filter(pipe => pipe.length > 0).map(pipe => pipeText(pipe, reads.length)),
    '} 2>&1 >&6 6>&- | tail -c +1 >&2 4>&- 6>&-; } 6>&1; }',
    ...(reads.some(({reader}) => reader.scope !== 'node') ? ['hop_check'] : []),
    'hop_end "$1"',
    '}',
    '',
  ].join('\n');
}

/** Reads whose answers go through one pipe, which lets through what all of them together may say, and the frames. */
function pipeText(pipe: readonly {readonly read: Read; readonly index: number}[], count: number): string {
  const limit = pipe.reduce((sum, {read}) => sum + whole(read.reader.limit), 0);
  const frames = pipe.some(({read}) => read.reader.scope !== 'node') ? 'hop_room' : 256;
  return [
    '{ hop_self',
    ...pipe.flatMap(({read, index}) => {
      const {scope, command, timeout} = read.reader;
      if (scope === 'node') {
        // What is slight stands there as it is: the shell then becomes its last command, and need not start it.
        const run = read.reader.slight ? `${command}\n` : `eval ${quoted(command)} `;
        return [`hop_open ${index} ${whole(timeout)}`, `( ${run}) </dev/null 4>&-`, `hop_shut $? ${index} -`];
      }
      const list = `"\${${index + 3}}"`;
      const fresh = `"\${${index + 3 + count}}"`;
      const quiet = mayStand(read) ? ` "$hop_still" ${fresh}` : '';
      return [
        ...(read.reader.files === undefined ? [] : [limitable(command)]),
        `hop_each ${index} ${whole(timeout)} ${list} ${quoted(entered(read))}${quiet}`,
      ];
    }),
    `} | head -c $((${limit} + ${pipe.length} * ${frames})) 4>&-`,
    `hop_done ${pipe.map(({index}) => index).join(' ')}`,
  ].join('\n');
}

/**
 * Whether the node may leave namespaces out in which nothing moved. Only where all of them are asked for: what is
 * compared is then as old as what was read.
 */
export function mayStand({reader, scope}: Read): boolean {
  return reader.quiet === true && scope === 'each-netns';
}

/** The inodes a read is restricted to; undefined when it is not. Throws on what is no decimal inode. */
export function wanted({reader, scope}: Read): readonly string[] | undefined {
  if (reader.scope === 'node' || typeof scope === 'string') return undefined;
  return inodes(scope.netns);
}

function inodes(list: readonly string[]): readonly string[] {
  const odd = list.find(inode => !/^(host|inside|\d{1,20})$/.test(inode));
  if (odd !== undefined) throw new TypeError(`A network namespace is named by its inode, not by "${odd}".`);
  return list;
}

/**
 * The line that calls it. `seconds`: the bound of the whole sweep, kept by the node itself. `unsound` names the
 * namespaces of which no good answer of a reader is held, so that one cannot stand.
 */
export function callText(
  id: number,
  sweep: number,
  seconds: number,
  reads: readonly Read[],
  unsound: (fact: string) => readonly string[] | 'all',
) {
  const spaced = (list: readonly string[]) => (list.length === 0 ? `' - '` : `' ${list.join(' ')} '`);
  const lists = reads.map(read => {
    const only = wanted(read);
    return only === undefined ? `''` : spaced(only);
  });
  const fresh = reads.some(mayStand)
    ? reads.map(read => {
        if (!mayStand(read)) return `''`;
        const again = unsound(read.reader.fact);
        if (read.fresh === 'all' || again === 'all') return `'*'`;
        return spaced(inodes([...new Set([...(read.fresh ?? []), ...again])]));
      })
    : [];
  return `hop_sweep_${id} ${sweep} ${whole(seconds)} ${[...lists, ...fresh].join(' ')}`;
}
