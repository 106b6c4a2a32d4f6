import type {Evidence} from '../facts/evidence.ts';
import type {ContainerSpec, Workload} from '../facts/kube/workloads.ts';
import type {Graph} from '../model/graph.ts';
import {listedEvidence} from '../model/listed.ts';

/** What a workload on the nodes' own network declares of a port: nobody enforces it, but its author says so. */
export type Declared = {readonly text: string; readonly evidence: readonly Evidence[]};

/** A process's name as the kernel keeps it (`proc(5)`, `comm`). */
const COMM = 15;

/**
 * The port as the Kubernetes API has it declared by what runs the programs that listen on it: its name, and the probes
 * that the kubelet makes there. Without programs, by whatever declares it. Undefined where nothing does.
 */
export function declaredOn(
  graph: Graph,
  protocol: 'tcp' | 'udp',
  port: number,
  programs: readonly string[],
): Declared | undefined {
  const read = graph.cluster?.workloads;
  const said = (read?.value ?? []).flatMap(workload => {
    const words = workload.hostNetwork ? wordsOf(graph, workload, protocol, port, programs) : [];
    if (words.length === 0) return [];
    const {kind, namespace, name} = workload;
    return [
      {
        text: `${kind} ${namespace}/${name} declares ${words.join(', ')}`,
        evidence: listedEvidence('kube-workloads', read, workload),
      },
    ];
  });
  if (said.length === 0) return undefined;
  return {text: said.map(({text}) => text).join('; '), evidence: said.flatMap(({evidence}) => evidence)};
}

function wordsOf(
  graph: Graph,
  workload: Workload,
  protocol: 'tcp' | 'udp',
  port: number,
  programs: readonly string[],
): string[] {
  const containers = workload.containers.filter(({init}) => !init);
  if (programs.length > 0 && !runsOne(graph, workload, containers, programs)) return [];
  return containers.flatMap(({name, ports, probes}) => {
    const declared = ports.find(one => one.port === port && one.protocol === protocol);
    const asked = protocol === 'tcp' ? probes.filter(probe => probe.port === port) : [];
    const kinds = asked.map(({kind}) => kind).join(', ');
    const [probe] = asked;
    const where = probe && `${probe.how}${probe.path === undefined ? '' : ` GET ${probe.path}`}`;
    return [
      ...(declared ? [`it as port ${declared.name ?? port} of ${name}`] : []),
      ...(probe
        ? [`it for the ${kinds} ${asked.length === 1 ? 'probe' : 'probes'} of ${name} (${where})`]
        : []),
    ];
  });
}

/** Is one of the programs the workload's? By its containers' commands, or by a process in one of its pods. */
function runsOne(
  graph: Graph,
  {kind, namespace, name}: Workload,
  containers: readonly ContainerSpec[],
  programs: readonly string[],
): boolean {
  const short = new Set(programs.map(program => program.slice(0, COMM)));
  const commands = containers.flatMap(({command}) => command[0]?.split('/').at(-1)?.slice(0, COMM) ?? []);
  if (commands.some(command => short.has(command))) return true;
  return graph.pods.some(
    pod =>
      pod.namespace === namespace &&
      (pod.listed?.owner === `${kind}/${name}` || pod.name.replace(/-[a-z0-9]+$/, '') === name) &&
      pod.processes.some(({process}) => short.has(process.name.slice(0, COMM))),
  );
}
