/** A CRI client of just the calls the lab makes; see cri.proto, and pods.ts for what it makes of them. */
import {join} from 'node:path';
import grpc from '@grpc/grpc-js';
import {loadSync} from '@grpc/proto-loader';

type Call = (
  request: object,
  options: {deadline: number},
  done: (error: Error | null, reply: unknown) => void,
) => void;

export type Cri = {
  call: <Reply>(method: string, request: object) => Promise<Reply>;
  close: () => void;
};

/** How long a call may take, in milliseconds; making a sandbox on a busy machine takes seconds. */
const PATIENCE = 40_000;

/** @param socket path of containerd's socket, as this process reaches it */
export const connectCri = (socket: string): Cri => {
  const loaded = grpc.loadPackageDefinition(
    loadSync(join(import.meta.dirname, 'cri.proto'), {
      keepCase: true,
      longs: String,
      enums: String,
      defaults: true,
    }),
  );
  const {v1} = loaded['runtime'] as unknown as {v1: {RuntimeService: grpc.ServiceClientConstructor}};
  const client = new v1.RuntimeService(`unix://${socket}`, grpc.credentials.createInsecure());
  const methods = client as unknown as Record<string, Call>;
  return {
    call: <Reply>(method: string, request: object) =>
      new Promise<Reply>((resolve, reject) =>
        methods[method]!.call(client, request, {deadline: Date.now() + PATIENCE}, (error, reply) =>
          error
            ? reject(new Error(`containerd did not do ${method}: ${error.message}`, {cause: error}))
            : resolve(reply as Reply),
        ),
      ),
    close: () => client.close(),
  };
};
