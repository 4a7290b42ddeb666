// The chassis stays a chassis: rpc, messaging and runtime know nothing of what is sold, and hold only what is shared.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const services = fileURLToPath(new URL('../..', import.meta.url));
const CHASSIS = ['rpc', 'messaging', 'runtime'];
const DOMAIN_WORD = /\b(orders?|sales?|stocks?|tickets?|charges?|buyers?)\b/i;

const sources = (service: string) =>
  readdirSync(join(services, service), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.includes('node_modules'))
    .map((name) => ({ path: join(service, name), text: readFileSync(join(services, service, name), 'utf8') }));

test('rpc, messaging and runtime hold no domain word', () => {
  const found = CHASSIS.flatMap(sources)
    .filter(({ path }) => path.includes('/src/'))
    .flatMap(({ path, text }) =>
      text
        .split('\n')
        .flatMap((line, index) => (DOMAIN_WORD.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [])),
    );
  assert.deepEqual(found, []);
});

test('each file of the chassis is imported by two services, or by a file of the chassis that is', () => {
  const everyone = readdirSync(services).flatMap((service) =>
    sources(service)
      .filter(({ path }) => path.includes('/src/'))
      .map(({ text }) => ({ service, text })),
  );
  for (const chassis of CHASSIS) {
    for (const { path } of sources(chassis).filter(({ path: each }) => each.includes('/src/'))) {
      const name = path.slice(path.lastIndexOf('/') + 1, -3);
      const importers = new Set(
        everyone
          .filter(({ text }) => text.includes(`@flashsale/${chassis}/${name}'`) || text.includes(`'./${name}.ts'`))
          .map(({ service }) => service),
      );
      assert.ok(
        importers.size >= 2 || importers.has(chassis),
        `${path} is used by ${[...importers].join(', ') || 'no service'}`,
      );
    }
  }
});
