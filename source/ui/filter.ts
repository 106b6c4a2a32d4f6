import type {Row, Table} from '../views/view.ts';

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

function anywhere(word: string): Keep {
  return (_, row) => row.cells.some(cell => cell.text.toLowerCase().includes(word));
}

function term(word: string, table: Table): Keep | undefined {
  const [, name, operator, value] = TERM.exec(word) ?? [];
  const at = table.columns.findIndex(
    column => column.key.toLowerCase() === name || column.title.toLowerCase() === name,
  );
  if (at < 0 || operator === undefined || value === undefined) return undefined;
  const key = table.columns[at]!.key;
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
