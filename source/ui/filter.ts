import type {Column, Row, Table} from '../views/view.ts';

/** Says whether row `i` of the table it was made for stays. */
export type Keep = (i: number, row: Row) => boolean;

const TERM = /^([^\s=!<>]+)(!=|=|<|>)(.*)$/;

/**
 * Words that must all be found in a row, in any case and any column. `column=value` (also `!=`) looks in that column
 * only, with `*` for anything; `column>n` and `<` compare what the column sorts by. A term that names no column is
 * an ordinary word.
 */
export function makeFilter(text: string, table: Table): Keep | undefined {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return undefined;
  const keeps = words.map(word => term(word, table) ?? anywhere(word));
  return (i, row) => keeps.every(keep => keep(i, row));
}

/** Keys of the columns that the filter looks in by name. */
export function filteredColumns(text: string, table: Table): string[] {
  return text.split(/\s+/).flatMap(word => {
    const name = TERM.exec(word.toLowerCase())?.[1];
    const column = name === undefined ? undefined : named(name, table);
    return column ? [column.key] : [];
  });
}

function named(name: string, table: Table): Column | undefined {
  return table.columns.find(({key, title}) => key.toLowerCase() === name || title.toLowerCase() === name);
}

function anywhere(word: string): Keep {
  return (_, row) => row.cells.some(cell => cell.text.toLowerCase().includes(word));
}

function term(word: string, table: Table): Keep | undefined {
  const [, name, operator, value] = TERM.exec(word) ?? [];
  const column = name === undefined ? undefined : named(name, table);
  if (!column || operator === undefined || value === undefined) return undefined;
  const {key} = column;
  const at = table.columns.indexOf(column);
  if (operator === '<' || operator === '>') {
    const limit = Number(value);
    // Half typed, or not a number: nothing is compared yet.
    if (value === '' || Number.isNaN(limit)) return () => true;
    return i => {
      const found = table.sortKey(i, key);
      if (typeof found !== 'number') return false;
      return operator === '<' ? found < limit : found > limit;
    };
  }
  const pattern = new RegExp(
    value
      .split('*')
      .map(part => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      .join('.*'),
  );
  const wanted = operator === '=';
  return (_, row) => pattern.test((row.cells[at]?.text ?? '').toLowerCase()) === wanted;
}
