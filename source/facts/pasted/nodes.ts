import type {Parsed, Span} from '../evidence.ts';
import {type Line, linesOf, quoted} from '../lines.ts';
import {optional} from '../links.ts';

/** One node as `kubectl get nodes -o wide` shows it; what is printed as `<none>` or `<unknown>` is absent. */
export type KubectlNode = Span & {
  readonly name: string;
  readonly status: string;
  readonly roles?: string;
  readonly age?: string;
  /** The kubelet's version. */
  readonly version?: string;
  readonly internalIp?: string;
  readonly externalIp?: string;
  readonly os?: string;
  readonly kernel?: string;
  readonly runtime?: string;
};

/**
 * Sample (kubectl 1.28):
 * ```
 * NAME     STATUS   ROLES           AGE   VERSION   INTERNAL-IP    EXTERNAL-IP   OS-IMAGE             KERNEL-VERSION    CONTAINER-RUNTIME
 * k8s-01   Ready    control-plane   15d   v1.28.2   192.168.0.67   <none>        Ubuntu 20.04.6 LTS   5.15.0-1053-aws   containerd://1.6.28
 * ```
 */
export function parseKubectlNodes(out: Uint8Array): Parsed<KubectlNode> {
  const rows: KubectlNode[] = [];
  const problems: string[] = [];
  let heading: string | undefined;
  for (const line of linesOf(out)) {
    if (/^NAME\s+STATUS\s/.test(line.text)) {
      heading = line.text;
      continue;
    }
    const cells = heading === undefined ? undefined : cellsUnder(heading, line);
    const [name, status] = [cells?.get('NAME'), cells?.get('STATUS')];
    if (!cells || !name || !status || /\s/.test(name)) {
      problems.push(`a line that is no node: ${quoted(line.text)}.`);
      continue;
    }
    const cell = (column: string) => {
      const value = cells.get(column);
      return value === undefined || value === '' || /^<(none|unknown)>$/.test(value) ? undefined : value;
    };
    rows.push({
      from: line.from,
      to: line.to,
      name,
      status,
      ...optional('roles', cell('ROLES')),
      ...optional('age', cell('AGE')),
      ...optional('version', cell('VERSION')),
      ...optional('internalIp', cell('INTERNAL-IP')),
      ...optional('externalIp', cell('EXTERNAL-IP')),
      ...optional('os', cell('OS-IMAGE')),
      ...optional('kernel', cell('KERNEL-VERSION')),
      ...optional('runtime', cell('CONTAINER-RUNTIME')),
    });
  }
  return {rows, problems};
}

/**
 * Cuts lines at the columns of a table's heading, whose names are parted by two blanks or more (`kubectl`). Columns
 * are left-aligned; a cell wider than its column does not happen, because kubectl makes every column fit.
 */
function cellsUnder(heading: string, line: Line): ReadonlyMap<string, string> {
  const starts = [...heading.matchAll(/\S+(?: \S+)*/g)].map(match => ({name: match[0], at: match.index}));
  return new Map(
    starts.map(({name, at}, i) => [name, line.text.slice(at, starts[i + 1]?.at ?? line.text.length).trim()]),
  );
}
