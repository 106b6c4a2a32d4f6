import {buildGraph} from '../../source/model/build.ts';
import type {Graph} from '../../source/model/graph.ts';
import {driveReplay} from '../../source/replay.ts';

/** The graph at the end of a recording. */
export async function graphFrom(file: string): Promise<Graph> {
  const drive = driveReplay({file, play: false, loop: false, speed: 1, changed: () => {}});
  await drive.settled;
  const inputs = drive
    .world()
    .nodes.map(({id, reach, snapshot, previous}) => [id, {snapshot, previous, ...reach}] as const);
  const graph = buildGraph(new Map(inputs), drive.now());
  await drive.close();
  return graph;
}

/**
 * The graph at the end of `test/fixtures/lab-flannel.hop`: three nodes of the lab (`flannel-vxlan`), read over SSH for
 * some seconds, with real traffic between sixteen pods.
 */
export function labGraph(): Promise<Graph> {
  return graphFrom(new URL('../fixtures/lab-flannel.hop', import.meta.url).pathname);
}
