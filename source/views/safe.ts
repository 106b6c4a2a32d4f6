import {sanitise} from '../facts/text.ts';
import type {Cell, Facet, View} from './view.ts';

/** The last step of every view: no text of a node reaches a cell as it came. Tables stay windowed. */
export function safe(view: View): View {
  return {
    title: sanitise(view.title),
    summary: view.summary.map(safeCell),
    facets: view.facets.map(safeFacet),
    gaps: view.gaps.map(sanitise),
  };
}

function safeCell(cell: Cell): Cell {
  return {...cell, text: sanitise(cell.text)};
}

function safeFacet(facet: Facet): Facet {
  const {body} = facet;
  if (body.type === 'lines') {
    return {...facet, body: {...body, lines: body.lines.map(line => line.map(safeCell))}};
  }
  if (body.type === 'fields') {
    const fields = body.fields.map(field => ({
      ...field,
      label: sanitise(field.label),
      cells: field.cells.map(safeCell),
      ...(field.beside ? {beside: {...field.beside, cells: field.beside.cells.map(safeCell)}} : {}),
    }));
    return {...facet, body: {...body, fields}};
  }
  if (body.type === 'matrix') {
    const names = body.names.map(name => ({...name, text: sanitise(name.text), says: sanitise(name.says)}));
    const cell = (row: number, column: number) => {
      const unsafe = body.cell(row, column);
      return {...unsafe, says: sanitise(unsafe.says)};
    };
    return {...facet, body: {...body, names, cell, empty: sanitise(body.empty)}};
  }
  const row = (i: number) => {
    const unsafe = body.row(i);
    return {...unsafe, cells: unsafe.cells.map(safeCell)};
  };
  return {...facet, body: {...body, row, empty: sanitise(body.empty)}};
}
