// Writes every dashboard of dashboards/ to a folder, generated/ unless another is
// given.
//
// usage: node generate.mjs [FOLDER]

import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const folder = process.argv[2] ?? join(here, 'generated');
mkdirSync(folder, { recursive: true });
for (const file of readdirSync(join(here, 'dashboards')).sort()) {
  const { default: made } = await import(`./dashboards/${file}`);
  writeFileSync(join(folder, `${made.uid}.json`), `${JSON.stringify(made, null, 2)}\n`);
}
