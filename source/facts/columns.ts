type ColumnType<Column> = {
  new (buffer: SharedArrayBuffer, from: number, length: number): Column;
  readonly BYTES_PER_ELEMENT: number;
};

/**
 * Cuts the columns of a table of `capacity` rows out of one buffer, in the order in which they are asked for: the widest
 * types first, so that each is aligned. `each`: elements a row.
 */
export function columnCutter(capacity: number, rowBytes: number) {
  const buffer = new SharedArrayBuffer(capacity * rowBytes);
  let offset = 0;
  return <Column>(type: ColumnType<Column>, each = 1): Column => {
    const column = new type(buffer, offset, capacity * each);
    offset += capacity * each * type.BYTES_PER_ELEMENT;
    return column;
  };
}
