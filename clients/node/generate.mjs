// Makes src/generated from the protos, with protoc (Debian: protobuf-compiler)
// and ts-proto. Nothing of it is written by hand or committed.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const protos = join(here, '..', '..', 'proto');
const out = join(here, 'src', 'generated');
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const files = readdirSync(join(protos, 'taud', 'v1'))
  .filter((name) => name.endsWith('.proto')).map((name) => join('taud', 'v1', name));
execFileSync('protoc', [
  `--plugin=${join(here, 'node_modules', '.bin', 'protoc-gen-ts_proto')}`,
  `-I${protos}`, `--ts_proto_out=${out}`,
  // 64-bit numbers whole; fields that are not set are undefined.
  '--ts_proto_opt=outputServices=grpc-js,esModuleInterop=true,forceLong=bigint,'
  + 'useOptionals=none,outputJsonMethods=false,useExactTypes=false,'
  + 'globalThisPolyfill=false,comments=true',
  ...files,
], { stdio: 'inherit' });
