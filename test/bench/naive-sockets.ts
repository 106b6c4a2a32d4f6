/** How one would write it first: a string, its lines, a regular expression and an object for each socket. */
export type NaiveSocket = {
  readonly protocol: string;
  readonly state: string;
  readonly recvQ: number;
  readonly sendQ: number;
  readonly local: string;
  readonly localPort: string;
  readonly remote: string;
  readonly remotePort: string;
  readonly inode: number;
  readonly uid: number;
  readonly rtt: number;
  readonly retrans: number;
};

export function naiveSockets(out: Buffer): NaiveSocket[] {
  return out
    .toString()
    .replaceAll('\n\t', ' ')
    .split('\n')
    .filter(line => line !== '')
    .map(line => {
      const [protocol, state, recvQ, sendQ, local, remote] = line.split(/\s+/) as string[];
      const colon = local!.lastIndexOf(':');
      const remoteColon = remote!.lastIndexOf(':');
      return {
        protocol: protocol!,
        state: state!,
        recvQ: Number(recvQ),
        sendQ: Number(sendQ),
        local: local!.slice(0, colon),
        localPort: local!.slice(colon + 1),
        remote: remote!.slice(0, remoteColon),
        remotePort: remote!.slice(remoteColon + 1),
        inode: Number(/ ino:(\d+)/.exec(line)?.[1] ?? 0),
        uid: Number(/ uid:(\d+)/.exec(line)?.[1] ?? 0),
        rtt: Number(/ rtt:([\d.]+)/.exec(line)?.[1] ?? Number.NaN),
        retrans: Number(/ retrans:\d+\/(\d+)/.exec(line)?.[1] ?? 0),
      };
    });
}
