import { join } from 'node:path';
import { repository } from '../repository.js';
import { Containerd } from './containerd.js';
import { NodeImage } from './node-image.js';
import { productionPackages } from './production-packages.js';
import { sharedLibraries } from './shared-libraries.js';

export function pauseImage(binary: string): NodeImage {
  return new NodeImage(Containerd.pauseImage, { entrypoint: ['/pause'] }).addProgram(binary, '/pause');
}

/** sample/02-kubernetes as its Dockerfile would make it; `npm run build:e2e` has to have compiled it and the library. */
export function sampleImage(): NodeImage {
  const image = nodeApplication('orders-worker:latest', join(repository, 'sample/02-kubernetes/dist'), [
    '@kubernetes/client-node',
    '@nestjs/common',
    '@nestjs/core',
    '@nestjs/platform-express',
    '@nestjs/schedule',
    'reflect-metadata',
    'rxjs',
  ]);
  // See sampleManifests(), which has the kubelet run it.
  return withThisPackage(image).add(join(repository, 'test/e2e/node/ready.mjs'), '/ready.mjs');
}

/** ./application, with the program that its probes run. */
export function applicationImage(name: string, probe: string): NodeImage {
  const image = nodeApplication(name, join(repository, 'test/e2e/dist/node/application'), [
    '@kubernetes/client-node',
    '@nestjs/common',
    '@nestjs/core',
    '@nestjs/platform-express',
    'reflect-metadata',
    'rxjs',
  ]);
  return withThisPackage(image).addProgram(probe, '/probe');
}

/** A replica that elects with client-go. Its arguments are for the Pod to give. */
export function goReplicaImage(binary: string): NodeImage {
  return new NodeImage('go-replica:latest', { entrypoint: ['/go-replica'] }).addProgram(binary, '/go-replica');
}

/** What npm would install: in this repository it is not in node_modules, the applications find it by the name of the package itself. */
function withThisPackage(image: NodeImage): NodeImage {
  for (const part of ['package.json', 'dist'])
    image.add(join(repository, part), `/app/node_modules/nestjs-leader/${part}`);
  return image;
}

/** This machine's Node, a folder of ES modules with a `main.js`, and the packages that it imports with all that these need. */
function nodeApplication(name: string, folder: string, packages: string[]): NodeImage {
  const image = new NodeImage(name, {
    entrypoint: ['/usr/local/bin/node', '/app/dist/main.js'],
    env: { NODE_ENV: 'production' },
    workingDirectory: '/app',
  });
  image.addProgram(process.execPath, '/usr/local/bin/node', sharedLibraries(process.execPath));
  image.write('/app/package.json', JSON.stringify({ name: 'application', private: true, type: 'module' }));
  image.add(folder, '/app/dist');
  for (const path of productionPackages(repository, packages)) image.add(join(repository, path), join('/app', path));
  return image;
}
