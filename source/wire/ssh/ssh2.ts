/** The client's parts of ssh2, in one file to load; see `library.ts`, which loads it when they are needed. */
import agent from 'ssh2/lib/agent.js';
import Client from 'ssh2/lib/client.js';
import keys from 'ssh2/lib/protocol/keyParser.js';

export const {createAgent, BaseAgent} = agent;
export const {parseKey} = keys;
export {Client};
