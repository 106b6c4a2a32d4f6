import {type Line, linesOf, note, quoted} from '../lines.ts';

export type Cells = ReadonlyMap<string, string>;

/**
 * Rows of a table as `kubectl get` prints it: columns are left-aligned under a heading whose names are parted by two
 * blanks or more (`NOMINATED NODE` is one), and every column is as wide as its widest cell. What is printed as
 * `<none>` or `<unknown>` is absent from the cells.
 */
export function tableRows(
  out: Uint8Array,
  isHeading: RegExp,
): {
  readonly rows: readonly {readonly line: Line; readonly cells: Cells}[];
  readonly problems: readonly string[];
} {
  const rows: {line: Line; cells: Cells}[] = [];
  const problems: string[] = [];
  let heading: string | undefined;
  for (const line of linesOf(out)) {
    if (isHeading.test(line.text)) {
      heading = line.text;
      continue;
    }
    const cells = heading === undefined ? undefined : cellsUnder(heading, line.text);
    const name = cells?.get('NAME');
    if (!cells || name === undefined || /\s/.test(name))
      note(problems, () => `a line that is no row: ${quoted(line.text)}.`);
    else rows.push({line, cells});
  }
  return {rows, problems};
}

function cellsUnder(heading: string, line: string): Cells {
  const starts = [...heading.matchAll(/\S+(?: \S+)*/g)].map(match => ({name: match[0], at: match.index}));
  return new Map(
    starts.flatMap(({name, at}, i) => {
      const cell = line.slice(at, starts[i + 1]?.at ?? line.length).trim();
      return cell === '' || /^<(none|unknown|unset)>$/.test(cell) ? [] : [[name, cell] as const];
    }),
  );
}
