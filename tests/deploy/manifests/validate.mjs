// Holds manifests against the schemas of Kubernetes and of the Prometheus operator:
// which fields there must be, and of which types. Reads YAML from standard input,
// says what is wrong, and fails if anything is.
import { readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';

const PACKAGES = { 'monitoring.coreos.com': '@kubernetes-models/prometheus-operator/monitoring.coreos.com' };

async function modelOf({ apiVersion, kind }) {
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
  const place = `${PACKAGES[group] ?? ['kubernetes-models', group].filter(Boolean).join('/')}/${version}`;
  return (await import(place))[kind];
}

let faults = 0;
let checked = 0;
for (const document of parseAllDocuments(readFileSync(0, 'utf8'), { uniqueKeys: true })) {
  for (const error of document.errors) {
    console.log(error.message);
    faults++;
  }
  const manifest = document.toJS();
  try {
    const Model = await modelOf(manifest);
    new Model(manifest).validate();
    checked++;
  } catch (error) {
    console.log(`${manifest.kind} ${manifest.metadata?.name}: ${error.message}`);
    faults++;
  }
}
console.log(`${checked} manifests hold, ${faults} faults`);
process.exit(faults === 0 && checked > 0 ? 0 : 1);
