import {build} from 'esbuild';

const root = new URL('../..', import.meta.url).pathname;

/** Bundles `test/ui/program.ts` into `outfile`, in the way the product itself is built (Node cannot run .tsx). */
export async function bundleProgram(outfile: string): Promise<void> {
  await build({
    absWorkingDir: root,
    entryPoints: ['test/ui/program.ts'],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    jsx: 'automatic',
    logLevel: 'warning',
    define: {'process.env.NODE_ENV': '"production"'},
    alias: {'react-devtools-core': './source/ui/no-devtools.ts'},
    banner: {
      js: "import {createRequire} from 'node:module'; const require = createRequire(import.meta.url);",
    },
  });
}
