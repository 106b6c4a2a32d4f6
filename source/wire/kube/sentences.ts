/** What went wrong on the way to the API, and what to try next. */
import {KubeError} from './error.ts';
import type {Access} from './kubeconfig.ts';

type Failure = Error & {code?: string; reason?: string};

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127\./.test(host);
}

/** How the API server is called in sentences. */
export function serverName({server}: Access): string {
  return `the API server ${server.host}`;
}

/** `via`: the node through which it is spoken to. */
export function connectionError(access: Access, error: unknown, via?: string): KubeError {
  if (error instanceof KubeError) return error;
  const {code = '', message} = error as Failure;
  const server = serverName(access);
  const {context, from} = access;
  const through = via === undefined ? '' : ` from ${via}`;
  const say = (sentence: string, final = false) => new KubeError(sentence, final);
  switch (code) {
    case 'CERT_HAS_EXPIRED':
      return say(
        `The certificate of ${server} has expired. Renew it there (kubeadm certs renew apiserver), or check this machine's clock.`,
        true,
      );
    case 'CERT_NOT_YET_VALID':
      return say(
        `The certificate of ${server} is not valid yet. Check the clocks of that machine and of this one.`,
        true,
      );
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return say(
        `The certificate of ${server} is for other names: ${(error as Failure).reason ?? message} Use one of them in the kubeconfig (server: or tls-server-name:).`,
        true,
      );
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'CERT_SIGNATURE_FAILURE':
    case 'CERT_UNTRUSTED':
      return say(
        `The certificate of ${server} is not signed by the CA of context “${context}” (${code}). Was the cluster made anew? Fetch its kubeconfig again; ${from} has another CA.`,
        true,
      );
    case 'ECONNREFUSED':
      return say(
        via === undefined && isLoopback(access.server.hostname)
          ? `Nothing listens at ${server}, which is this machine: the connection was refused. Where it is meant of a node, speak to it there: --kube-via NODE.`
          : `Nothing listens at ${server}: the connection was refused${through}. Is it running? Is it the right context (--context)?`,
      );
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return say(
        `The name of ${server} is not known here. Check the kubeconfig and the DNS; --kube-via NODE goes through a node.`,
      );
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'ETIMEDOUT':
      return say(
        `${upper(server)} cannot be reached${through} (${code}). Is a VPN or a firewall between? --kube-via NODE goes through a node.`,
      );
    case 'EPIPE':
    case 'ECONNRESET':
      return say(`${upper(server)} broke the connection off.`);
    default:
  }
  if (/WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HPE_/.test(code))
    return say(`What answers at ${server} speaks no TLS. Check server: in ${from}.`, true);
  if (/ALERT|HANDSHAKE/.test(code))
    return say(
      `${upper(server)} refused the client certificate of context “${context}” (${code}). Fetch the kubeconfig again.`,
      true,
    );
  if (/PEM|ASN1|KEY_VALUES_MISMATCH|OSSL|ERR_CRYPTO/.test(code))
    return say(
      `A certificate or key of context “${context}” in ${from} is broken (${code}). Fetch the kubeconfig again.`,
      true,
    );
  return say(
    `${upper(server)} could not be asked: ${message}${code === '' || message.includes(code) ? '' : ` (${code})`}.`,
  );
}

/** Nothing arrived for so long. */
export function silentError(access: Access, seconds: number, via?: string): KubeError {
  return new KubeError(
    `${upper(serverName(access))} did not answer within ${seconds} s${via === undefined ? '' : ` through ${via}`}. Is a VPN or a firewall between?${via === undefined ? ' --kube-via NODE goes through a node.' : ''}`,
    false,
  );
}

/** An answer of the API that is a refusal of everything: 401. `ended`: when the client's certificate ended. */
export function unauthorized(access: Access, ended?: Date): KubeError {
  const {context, user} = access;
  const why =
    ended === undefined
      ? `its credentials (user “${user.name}”) are wrong or have expired. Log in again, or choose another --context`
      : `the client certificate of the user “${user.name}” expired on ${ended.toISOString().slice(0, 10)}. Fetch the kubeconfig again`;
  return new KubeError(
    `${upper(serverName(access))} does not know who asks by context “${context}”: ${why}.`,
    true,
    true,
  );
}

/** What one resource was refused with, and what would reveal it. */
export type Refusal = {readonly reason: string; readonly reveal: string};

export function refusalOf(status: number, path: string, message: string, access: Access): Refusal {
  const what = path.split('/').at(-1) ?? path;
  const said = message === '' ? `status ${status}` : message;
  if (status === 403)
    return {
      reason: `The Kubernetes API does not let the user of context “${access.context}” list ${what}: ${said}.`,
      reveal: `Grant it: kubectl create clusterrole hoptop --verb=get,list,watch --resource=nodes,pods,daemonsets.apps,deployments.apps,statefulsets.apps, and a clusterrolebinding; or choose another --context.`,
    };
  if (status === 404)
    return {
      reason: `The Kubernetes API has no ${what} (${path}): ${said}.`,
      reveal: 'Check that server: in the kubeconfig is an API server.',
    };
  if (status === 429)
    return {
      reason: `The Kubernetes API has too much to do to list ${what}: ${said}.`,
      reveal: 'Wait: it is asked again by itself.',
    };
  return {
    reason: `The Kubernetes API could not list ${what} (status ${status}): ${said}.`,
    reveal: `Try: kubectl get --raw ${path}.`,
  };
}

export function upper(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
