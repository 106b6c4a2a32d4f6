/**
 * What `hoptop commands` declares, as patterns that an executed command line matches or not. It reads the printed text
 * alone: the simple commands of its shell texts (POSIX, Shell Command Language, 2.9.1), word by word.
 */

/** One word: what it may be, and whether it may be several words or none (what a shell expands and splits). */
type Word = {readonly re: string; readonly many: boolean; readonly literal: string | undefined};

/** What a variable or a glob of the text may stand for: files of the kernel and of runtimes, numbers, nothing else. */
const EXPANDED = String.raw`(?:/(?:proc|sys|run|var/run)(?:/[^\x00]*)?|[0-9][0-9]*/[a-z]+|-?[0-9.]+|/dev/null|hop-[0-9a-f]+)`;

const escaped = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');

const RESERVED = new Set([
  'if',
  'then',
  'else',
  'elif',
  'fi',
  'while',
  'until',
  'do',
  'done',
  '!',
  '{',
  '}',
  'exec',
  'eval',
  'command',
  'case',
  'in',
  'esac',
]);

/** Every simple command of a shell text, those within `$( )` and within the text of an inner `sh -c` included. */
export function simpleCommands(text: string): Word[][] {
  const found: Word[][] = [];
  let words: Word[] = [];
  let re = '';
  let literal: string | undefined = '';
  let many = false;
  let any = false;
  let drop = false;

  const wild = (quoted: boolean) => {
    re += `(?:${EXPANDED})?`;
    literal = undefined;
    any = true;
    if (!quoted) many = true;
  };
  const put = (character: string) => {
    re += escaped(character);
    if (literal !== undefined) literal += character;
    any = true;
  };
  const endWord = () => {
    if (any && !drop) words.push({re, many, literal});
    if (any) drop = false;
    re = '';
    literal = '';
    many = false;
    any = false;
  };
  const endCommand = () => {
    endWord();
    drop = false;
    while (
      words.length > 0 &&
      (RESERVED.has(words[0]!.literal ?? '') || /^\w+=/.test(words[0]!.literal ?? words[0]!.re))
    )
      words.shift();
    // `"$@"`: the way into a namespace, which is a command of its own.
    if (words[0] && words[0].literal === undefined && words[0].many) words.shift();
    if (words.length > 0 && words[0]!.literal !== undefined) {
      found.push(words);
      inner(words);
    }
    words = [];
  };
  /** What a command starts in turn. */
  const inner = (all: readonly Word[]) => {
    const [name] = all;
    if (name!.literal === 'timeout' || name!.literal === 'busybox')
      found.push(all.slice(name!.literal === 'timeout' ? 2 : 1));
    const at = all.findIndex((word, i) => word.literal === 'sh' && all[i + 1]?.literal === '-c');
    if (at > 0) found.push(all.slice(at));
    const script = at < 0 ? undefined : all[at + 2]?.literal;
    if (script !== undefined) found.push(...simpleCommands(script));
    // It runs the first of its words that is there, for both families.
    if (name!.literal === 'hop_save')
      for (const word of all.slice(1))
        found.push([{re: word.re.replaceAll(`(?:${EXPANDED})?`, 'ip6?'), many: false, literal: undefined}]);
    // What is handed to `eval` and to the loop over namespaces is text of its own.
    for (const {literal: handed} of ['hop_each'].includes(name!.literal!) ? all.slice(1) : [])
      if (handed !== undefined && /\s/.test(handed)) found.push(...simpleCommands(handed));
  };
  /** The end of what begins with an opening sign at `i`; quotes within are skipped. */
  const closing = (i: number, open: string, close: string): number => {
    let depth = 0;
    for (let at = i; at < text.length; at++) {
      const character = text[at]!;
      if (character === '\\') at++;
      else if (character === "'" && open === '(') at = text.indexOf("'", at + 1);
      else if (character === open) depth++;
      else if (character === close && --depth === 0) return at;
      if (at < 0) break;
    }
    return text.length;
  };
  /** An expansion at `$`; gives where it ends. */
  const expansion = (i: number, quoted: boolean): number => {
    const next = text[i + 1] ?? '';
    if (text.startsWith('$((', i)) {
      wild(true);
      return closing(i + 1, '(', ')');
    }
    if (next === '(') {
      const end = closing(i + 1, '(', ')');
      found.push(...simpleCommands(text.slice(i + 2, end)));
      wild(quoted);
      return end;
    }
    if (next === '{') {
      wild(quoted);
      return closing(i + 1, '{', '}');
    }
    const name = /^(?:[A-Za-z_]\w*|[0-9@*#?$!-])/.exec(text.slice(i + 1))?.[0];
    if (name === undefined) {
      put('$');
      return i;
    }
    wild(quoted && name !== '@');
    return i + name.length;
  };

  for (let i = 0; i < text.length; i++) {
    const character = text[i]!;
    if (character === "'") {
      const end = text.indexOf("'", i + 1);
      any = true;
      for (const one of text.slice(i + 1, end < 0 ? text.length : end)) put(one);
      if (end < 0) break;
      i = end;
    } else if (character === '"') {
      any = true;
      for (i++; i < text.length && text[i] !== '"'; i++) {
        if (text[i] === '\\' && /[$`"\\]/.test(text[i + 1] ?? '')) put(text[++i]!);
        else if (text[i] === '$') i = expansion(i, true);
        else put(text[i]!);
      }
    } else if (character === '\\') {
      i++;
      if (text[i] !== '\n') put(text[i] ?? '');
    } else if (character === '$') i = expansion(i, false);
    else if (character === ' ' || character === '\t') endWord();
    else if (character === '#' && !any) {
      const end = text.indexOf('\n', i);
      i = end < 0 ? text.length : end - 1;
    } else if (character === '<' || character === '>') {
      // A number before it is that of a descriptor.
      if (/^\d+$/.test(literal ?? '')) {
        any = false;
        re = '';
        literal = '';
      }
      endWord();
      while (/[<>&-]/.test(text[i + 1] ?? '')) i++;
      if (text[i] !== '-') drop = true;
    } else if ('\n;&|()'.includes(character)) endCommand();
    else if (
      '*?'.includes(character) &&
      !(character === '?' && /^\d*$/.test(literal ?? 'x') && literal !== '')
    ) {
      re += character === '*' ? '[^\\x00/]*' : '[^\\x00/]';
      literal = undefined;
      many = true;
      any = true;
    } else if (character === '[' && any === false && /[\s]/.test(text[i + 1] ?? '')) put(character);
    else if (
      character === '[' &&
      text.indexOf(']', i) > 0 &&
      !/\s/.test(text.slice(i, text.indexOf(']', i)))
    ) {
      const end = text.indexOf(']', i);
      re += text.slice(i, end + 1);
      literal = undefined;
      many = true;
      any = true;
      i = end;
    } else put(character);
  }
  endCommand();
  return found;
}

const pattern = (words: readonly Word[]) =>
  new RegExp(`^${words.map(({re, many}) => (many ? `(?:${re}\\x00)*` : `${re}\\x00`)).join('')}$`);

/** The shell texts that `hoptop commands` prints: what `$` begins, what is a last argument, and the shell's own text. */
function textsOf(printed: string): string[] {
  const texts: string[] = [];
  let block: string[] = [];
  for (const line of [...printed.split('\n'), '']) {
    const command = /^ {4}(?:where there is none: )?\$ (.*)$/.exec(line)?.[1];
    if (command !== undefined) block.push(command);
    else {
      if (block.length > 0) texts.push(block.join('\n'));
      block = [];
    }
  }
  const shell = printed.slice(printed.indexOf('The shell: the login shell is asked'));
  texts.push(
    shell
      .split('\n')
      .filter(line => line.startsWith('    ') && !line.startsWith('    $ '))
      .map(line => line.slice(4))
      .join('\n'),
  );
  return texts;
}

export type Declared = {
  /** Whether a command line is one that was declared. */
  allows(argv: readonly string[]): boolean;
  readonly count: number;
};

/** Everything that a printed text declares. */
export function declaredBy(printed: string): Declared {
  const patterns = textsOf(printed)
    .flatMap(text => simpleCommands(text))
    .map(pattern);
  const logins = new Set([...printed.matchAll(/^The shell: .*\n {4}\$ (.+)$/gm)].map(([, line]) => line!));
  const asked = /last argument: ADDRESS/.test(printed);
  const matches = (argv: readonly string[]) => {
    const line = `${[argv[0]!.split('/').at(-1)!, ...argv.slice(1)].join('\0')}\0`;
    return patterns.some(each => each.test(line));
  };
  const address = /^[0-9a-f.:]+$/;
  const allows = (argv: readonly string[]): boolean => {
    const [program, way, stop, ...rest] = argv;
    // Each netns is entered so, as the text says; what then runs there is declared for itself.
    if (
      program!.endsWith('nsenter') &&
      /^--net=\/(proc\/\d+\/ns\/net|(var\/)?run\/[^\x00]+)$/.test(way ?? '') &&
      stop === '--'
    )
      return rest.length > 0 && allows(rest);
    // The login shell is asked to run the one line, by sshd.
    if (argv.length === 3 && way === '-c' && logins.has(stop!)) return true;
    if (matches(argv)) return true;
    return asked && argv.length > 1 && address.test(argv.at(-1)!) && matches(argv.slice(0, -1));
  };
  return {allows, count: patterns.length};
}
