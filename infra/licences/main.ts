// npm run licences: the licences of packages and images, counted; exit code 1 and their names when one is not accepted.
import { ROOT } from '../native/leftovers.ts';
import { imagesOf, packagesOf, refusedOf } from './licences.ts';

const root = process.argv[2] ?? ROOT;
const packages = packagesOf(root);
const images = imagesOf(root);

console.log('packages: licence, when a service runs, tools');
for (const [licence, those] of [...Map.groupBy(packages, (one) => one.licence)].toSorted()) {
  const running = those.filter(({ runs }) => runs).length;
  console.log(`  ${licence.padEnd(34)}${`${running}`.padStart(4)}${`${those.length - running}`.padStart(5)}`);
}
console.log('images');
for (const { name, licence } of images) console.log(`  ${name.padEnd(34)}${licence}`);

const refused = refusedOf(packages, images);
for (const { name, licence } of refused) console.error(`✗ ${name}: ${licence}`);
if (refused.length === 0) console.log(`✓ ${packages.length} packages and ${images.length} images are accepted`);
process.exitCode = refused.length === 0 ? 0 : 1;
