// The arrows that Biome holds: each room's imports, tried on one probe file a room.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from './leftovers.ts';

const dir = mkdtempSync(join(tmpdir(), 'arrows-'));
process.on('exit', () => rmSync(dir, { recursive: true, force: true }));
cpSync(join(ROOT, 'biome.json'), join(dir, 'biome.json'));

/** Those of the imports that Biome refuses in this file. */
function refusedIn(file: string, imports: string[]): string[] {
  mkdirSync(dirname(join(dir, file)), { recursive: true });
  writeFileSync(join(dir, file), imports.map((name) => `import '${name}';\n`).join(''));
  const args = ['lint', '--only=style/noRestrictedImports', '--vcs-enabled=false', '--reporter=json', file];
  const { stdout } = spawnSync(join(ROOT, 'node_modules/.bin/biome'), args, { cwd: dir, encoding: 'utf8' });
  const { diagnostics } = JSON.parse(stdout) as { diagnostics: { location: { start: { line: number } } }[] };
  return diagnostics.map(({ location }) => imports[location.start.line - 1] as string);
}

const SHARED = ['@flashsale/contracts/messages', 'zod', 'node:timers/promises', 'node:util'];
const SERVICES = ['gateway', 'orders', 'inventory', 'payment', 'bank'].map((name) => `@flashsale/${name}/app`);

const ROOMS: Record<string, { takes: string[]; refuses: string[] }> = {
  'services/orders/src/domain/probe.ts': {
    takes: [...SHARED, './order.ts'],
    refuses: [
      ...['node:fs', 'node:crypto', 'pg', 'pino', 'left-pad', 'zod/mini', '@flashsale/contracts/orders'],
      ...['@flashsale/rpc/client', '@flashsale/messaging/publisher', '@flashsale/runtime/log', ...SERVICES],
      ...['../config.ts', '../outbound/ledger.ts', './../inbound/grpc.ts', '../../../payment/src/domain/ports.ts'],
    ],
  },
  'services/orders/src/inbound/probe.ts': {
    takes: [...SHARED, '../domain/order.ts', '../config.ts', './amqp.ts', '@flashsale/rpc/server', 'pg'],
    refuses: ['../outbound/ledger.ts', '../app.ts', '../use-cases.ts', '../../../payment/src/app.ts', ...SERVICES],
  },
  'services/gateway/src/outbound/gate/probe.ts': {
    takes: [...SHARED, '../../domain/sale.ts', '../redis.ts', '@flashsale/runtime/log', 'ioredis'],
    refuses: ['../../inbound/http.ts', '../../app.ts', '../../background-jobs.ts', ...SERVICES],
  },
  'services/orders/src/probe.ts': {
    takes: ['./outbound/ledger.ts', './inbound/grpc.ts', '@flashsale/runtime/log'],
    refuses: ['../../payment/src/app.ts', '../../../infra/until.ts', ...SERVICES],
  },
  'services/orders/test/probe.ts': {
    takes: ['../src/app.ts', '../../../infra/until.ts', '@flashsale/rpc/client'],
    refuses: ['../../payment/src/app.ts', '../../../loadtest/bench/main.ts', ...SERVICES],
  },
  'infra/native/probe.ts': {
    takes: ['../until.ts', '@flashsale/contracts/messages'],
    refuses: ['../../loadtest/bench/main.ts', '../../services/bank/src/app.ts', ...SERVICES],
  },
  'loadtest/bench/probe.ts': {
    takes: ['../../infra/until.ts', '@flashsale/contracts/fields'],
    refuses: ['../../services/bank/src/app.ts', '../../services/orders/test/environment.ts', ...SERVICES],
  },
};

for (const [file, { takes, refuses }] of Object.entries(ROOMS))
  test(`${dirname(file)} imports what it may, and nothing else`, () => {
    assert.deepEqual(refusedIn(file, [...takes, ...refuses]), refuses);
  });
