// The hold run: every buyer reserves first, then a third pays, a third cancels and a third lets the hold expire.
import { type AuditResult, audit } from '../../infra/audit/audit.ts';
import { createBuyers } from '../../infra/buyers/buyers.ts';
import { createShop } from '../../infra/clients/shop.ts';
import { until } from '../../infra/until.ts';
import { untilFinal, untilReserved } from '../figures/finals.ts';
import { count } from '../figures/format.ts';
import type { Progress } from './progress.ts';
import type { RunEnvironment } from './run.ts';
import { settings } from './settings.ts';

const { buyers, burstSeconds } = settings.hold;

export interface HoldRun {
  /** Orders by their final status; `unknown` for one without. */
  ended: Record<string, number>;
  reserved: number;
  /** Available again in the end; null when the unpaid units did not come back in time. */
  remaining: number | null;
  atRest: AuditResult;
}

export async function runHolds(environment: RunEnvironment & { progress: Progress }, saleId: string): Promise<HoldRun> {
  const { gatewayUrl, tokenSecrets, stores, generator, bank, finalWithinSeconds, progress } = environment;
  const shop = createShop(gatewayUrl);
  const withinMs = finalWithinSeconds * 1_000;
  const tokens = createBuyers(tokenSecrets, `holder-${saleId.slice(-6)}`, buyers).map(({ token }) => token);
  await stores.bank.change(bank);
  const load = { gatewayUrl, saleId, tokens, seconds: burstSeconds, timeoutMs: settings.clientTimeoutMs };
  const { clicks } = await generator.send(load);
  const orders = clicks.flatMap(({ orderId }, i) => (orderId ? [{ orderId, token: tokens[i] ?? '' }] : []));
  const reserved = await untilReserved(shop, orders, withinMs);
  progress.log(`${count(reserved)} units are reserved, none is paid`);

  const third = (rest: number) => orders.filter((_, i) => i % 3 === rest);
  const requests = [
    ...third(0).map(({ orderId, token }) => shop.pay(orderId, token)),
    ...third(1).map(({ orderId, token }) => shop.cancel(orderId, token)),
  ];
  await Promise.allSettled(requests);
  progress.log(`${count(third(0).length)} pay, ${count(third(1).length)} cancel, the other holds expire`);
  const finals = [...(await untilFinal(shop, orders, withinMs)).values()];
  const ended = Object.groupBy(finals, ({ status }) => status);
  const counts = Object.fromEntries(Object.entries(ended).map(([status, some = []]) => [status, some.length]));

  const expected = buyers - third(0).length;
  const back = async () => (await shop.sale(saleId)).remaining === expected;
  const isBack = await until('the unpaid units are on sale', back, { withinMs }).catch(() => false);
  const atRest = await until('the audit can read every store', () => audit(stores, { atRest: true, withinMs }));
  return { ended: counts, reserved, remaining: isBack ? expected : null, atRest };
}
