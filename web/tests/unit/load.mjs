// A module of src/, bundled as it is for the page.
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const src = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../src');

export async function load(name) {
  const built = await build({
    entryPoints: [path.join(src, name)], bundle: true, write: false, format: 'esm',
    logLevel: 'error',
  });
  return import('data:text/javascript;base64,' +
                Buffer.from(built.outputFiles[0].text).toString('base64'));
}
