#!/usr/bin/env node
// Plain old JavaScript on purpose: it must run on any Node, to say in one sentence that the Node is too old.
var needed = [22, 19];
var have = process.versions.node.split('.').map(Number);
if (have[0] < needed[0] || (have[0] === needed[0] && have[1] < needed[1])) {
  console.error(
    'hoptop needs Node.js ' +
      needed.join('.') +
      ' or newer and this is ' +
      process.version +
      '; in a clone of hoptop, `npm ci` installs a fitting one and `npx hoptop` uses it.',
  );
  process.exit(1);
}
// What V8 made of the bundle is kept beside it: compiling it again is a fifth of a start. Where the folder cannot be
// written, or the bundle or Node is another one, it is as if there were none.
require('node:module').enableCompileCache(require('node:path').join(__dirname, '../dist/compiled'));
import('../dist/hoptop.js').catch(error => {
  if (error && error.code === 'ERR_MODULE_NOT_FOUND' && /dist.hoptop\.js/.test(error.message)) {
    console.error('hoptop is not built yet: run `npm ci` (or `npm run build`) in its folder.');
    process.exit(1);
  }
  throw error;
});
