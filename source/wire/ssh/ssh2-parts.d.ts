/** The parts of ssh2 that are loaded one by one; typed as its front door is. */
declare module 'ssh2/lib/client.js' {
  import ssh2 from 'ssh2';
  export default ssh2.Client;
}
declare module 'ssh2/lib/agent.js' {
  import ssh2 from 'ssh2';

  const parts: Pick<typeof ssh2, 'createAgent' | 'BaseAgent'>;
  export default parts;
}
declare module 'ssh2/lib/protocol/keyParser.js' {
  import ssh2 from 'ssh2';

  const parts: Pick<typeof ssh2.utils, 'parseKey'>;
  export default parts;
}
