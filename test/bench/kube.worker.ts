/** The API server of the bench, in a thread of its own: its memory and time are not those that are measured. */
import {parentPort, workerData} from 'node:worker_threads';
import {multiplied, startApiServer} from '../wire/kube/api-server.ts';
import {createAuthority} from '../wire/kube/certificates.ts';

const {folder, pods} = workerData as {folder: string; pods: number};
const ca = createAuthority(folder);
const server = await startApiServer({ca, pair: ca.issue('kube-apiserver', {names: ['IP:127.0.0.1']})});
server.lists.set('/api/v1/pods', multiplied(server.lists.get('/api/v1/pods')!, pods));
parentPort!.on('message', (message: {modified: number}) => {
  const {items} = server.lists.get('/api/v1/pods')!;
  for (let i = 0; i < message.modified; i++) {
    const object = structuredClone(items[i]) as {
      metadata: {resourceVersion: string};
      status: {phase: string};
    };
    object.metadata.resourceVersion = '99999';
    object.status.phase = 'Failed';
    for (const watch of server.watches('/api/v1/pods'))
      watch.write(`${JSON.stringify({type: 'MODIFIED', object})}\n`);
  }
});
parentPort!.postMessage({port: server.port, ca: ca.cert});
