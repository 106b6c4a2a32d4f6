/**
 * What `ss -i` says of one TCP connection beyond what every socket's columns hold (`ss(8)`; tcp_info of
 * linux/tcp.h): read from the socket's own lines when somebody asks for that connection.
 */
export type TcpInfo = {
  /** Congestion window, in segments. */
  readonly cwnd?: number | undefined;
  /** Slow start threshold, in segments; absent while it is not set: no loss so far. */
  readonly ssthresh?: number | undefined;
  /** Largest segment that it sends, bytes. */
  readonly mss?: number | undefined;
  /** Segments sent and not acknowledged. */
  readonly unacked?: number | undefined;
  /** Of those: taken for lost, and being sent again now. */
  readonly lost?: number | undefined;
  readonly retransmitting?: number | undefined;
  /** How often the timer has doubled: of retransmissions, or of probes of a closed window. */
  readonly backoff?: number | undefined;
  /** Retransmission timeout, ms. */
  readonly rto?: number | undefined;
  /** Bytes in the send queue that were never sent. */
  readonly notSent?: number | undefined;
  /** Milliseconds since it last sent, received data, received an acknowledgement. */
  readonly lastSend?: number | undefined;
  readonly lastReceive?: number | undefined;
  readonly lastAck?: number | undefined;
  /** Window that the other end offers, bytes; newer ss only. */
  readonly sendWindow?: number | undefined;
  /** Share of its busy time, 0 to 1, in which the other end's window, or the own send buffer, held it. */
  readonly windowLimited?: number | undefined;
  readonly bufferLimited?: number | undefined;
  /** It sends slower than it could, as its process gives it no more. */
  readonly appLimited: boolean;
  readonly minRtt?: number | undefined;
  /** Timer that runs: `on` retransmission, `persist` probes of a closed window, `keepalive`, `timewait`. */
  readonly timer?: string | undefined;
};

/**
 * Sample (iproute2 6.1.0): `cubic wscale:7,7 rto:204 rtt:0.044/0.022 mss:1398 cwnd:10 ssthresh:7 lastsnd:1068
 * lastrcv:1068 lastack:1068 unacked:5 retrans:1/12 lost:1 backoff:3 busy:2816ms rwnd_limited:2800ms(99.4%) notsent:512 minrtt:0.02`.
 */
export function tcpInfoOf(text: string): TcpInfo {
  const words = new Map<string, string>();
  for (const [, name, value] of text.matchAll(/(?:^|\s)([a-z_]+):([0-9][^\s]*)/g)) {
    if (!words.has(name!)) words.set(name!, value!);
  }
  const number = (name: string) => {
    const value = Number.parseFloat(words.get(name) ?? '');
    return Number.isFinite(value) ? value : undefined;
  };
  const share = (name: string) => {
    const percent = Number.parseFloat(/\(([\d.]+)%\)/.exec(words.get(name) ?? '')?.[1] ?? '');
    return Number.isFinite(percent) ? percent / 100 : undefined;
  };
  const found = {
    cwnd: number('cwnd'),
    ssthresh: number('ssthresh'),
    mss: number('mss'),
    unacked: number('unacked'),
    lost: number('lost'),
    retransmitting: number('retrans'),
    backoff: number('backoff'),
    rto: number('rto'),
    notSent: number('notsent'),
    lastSend: number('lastsnd'),
    lastReceive: number('lastrcv'),
    lastAck: number('lastack'),
    sendWindow: number('snd_wnd'),
    windowLimited: share('rwnd_limited'),
    bufferLimited: share('sndbuf_limited'),
    minRtt: number('minrtt'),
  };
  const known = Object.entries(found).filter(([, value]) => value !== undefined);
  const timer = /(?:^|\s)timer:\(([a-z]+),/.exec(text)?.[1];
  return {
    ...Object.fromEntries(known),
    ...(timer === undefined ? {} : {timer}),
    appLimited: /(?:^|\s)app_limited(?:\s|$)/.test(text),
  };
}
