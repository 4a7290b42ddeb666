// The licences of installed packages, from package-lock.json, and of the images that the Dockerfile names.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Permissive ones: a copy of this template keeps the notices, and owes nothing else. */
const ACCEPTED = [
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'ISC',
  'MIT',
  'MIT-0',
  'PostgreSQL',
  'Unlicense',
];

/**
 * Of the server in each image, looked up by hand. By tag, because a later version may have another.
 * Those that are not permissive are accepted one by one: they run beside this code, unchanged, and are no part of it.
 */
const IMAGES: Record<string, string> = {
  'node:24-slim': 'MIT',
  'postgres:17': 'PostgreSQL',
  'redis:8': 'RSALv2 OR SSPL-1.0 OR AGPL-3.0-only',
  'rabbitmq:4-management': 'MPL-2.0',
  'grafana/k6:1.8.1': 'AGPL-3.0-only',
};

export interface Licensed {
  name: string;
  licence: string;
  /** Whether a service needs it when it runs; the others are tools of this repository. */
  runs: boolean;
}

interface Locked {
  version?: string;
  license?: string;
  link?: boolean;
  dev?: boolean;
  optional?: boolean;
  optionalDependencies?: Record<string, string>;
}

const UNKNOWN = 'unknown';

export function packagesOf(root: string): Licensed[] {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const locked = Object.entries(packages as Record<string, Locked>);
  return locked
    .filter(([path, { link }]) => path.includes('node_modules/') && !link)
    .map(([path, { version, license, dev, optional }]) => {
      const name = path.split('node_modules/').at(-1) as string;
      const licence = license ?? licenceOfParent(name, locked);
      return { name: `${name} ${version}`, licence, runs: !dev && !optional };
    });
}

/** npm notes no licence of a binary for other machines; it is a part of the package that asks for it. */
const licenceOfParent = (name: string, locked: [string, Locked][]) =>
  locked.find(([path, { optionalDependencies = {} }]) => path && name in optionalDependencies)?.[1].license ?? UNKNOWN;

export function imagesOf(root: string): Licensed[] {
  const dockerfile = readFileSync(join(root, 'infra/node/Dockerfile'), 'utf8');
  const named = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image as string);
  const stages = new Set([...dockerfile.matchAll(/ AS (\S+)$/gm)].map(([, stage]) => stage));
  return [...new Set(named)]
    .filter((image) => !stages.has(image))
    .map((name) => ({ name, licence: IMAGES[name] ?? UNKNOWN, runs: true }));
}

/** An SPDX expression without nesting; nested ones are not accepted. */
export const isAccepted = (expression: string): boolean =>
  expression
    .replace(/^\(([^()]*)\)$/, '$1')
    .split(' OR ')
    .some((all) => all.split(' AND ').every((id) => ACCEPTED.includes(id)));

export const refusedOf = (packages: Licensed[], images: Licensed[]): Licensed[] => [
  ...packages.filter(({ licence }) => !isAccepted(licence)),
  ...images.filter(({ licence }) => licence === UNKNOWN),
];
