// The demo's story: the same crowd down each road, then both side by side.
import { setTimeout as sleep } from 'node:timers/promises';
import { createBuyers, createTokens } from '../buyers.ts';
import type { SaleDraft } from '../shop.ts';
import { type Environment, readEnvironment } from './environment.ts';
import { count } from './format.ts';
import { type Say, watchRoad } from './progress.ts';
import { type RoadRun, runRoad, type Venue } from './road.ts';

export interface DemoVenue extends Venue {
  tokenSecret: string;
  amqpUrl: string;
  ordersDatabase: string;
  say: Say;
}

export interface DemoResult {
  environment: Environment;
  queued: RoadRun;
  direct: RoadRun;
}

type Mode = SaleDraft['mode'];

export async function runDemo(venue: DemoVenue): Promise<DemoResult> {
  const { settings, stores, say } = venue;
  const { units, buyers, crowdSeconds } = settings;
  const sales = { queued: await openSale(venue, 'queued', units), direct: await openSale(venue, 'direct', units) };
  await warmUp(venue, 'queued');
  await warmUp(venue, 'direct');
  const crowd = { stock: units, buyers, seconds: crowdSeconds };
  say(`queued  ${count(buyers)} buyers want ${count(units)} units, within ${crowdSeconds} s`);
  const queued = await sendCrowd(venue, 'queued', { saleId: sales.queued, ...crowd }, say);
  say('direct  the same crowd, and the bank as it was before the first one');
  const direct = await sendCrowd(venue, 'direct', { saleId: sales.direct, ...crowd }, say);
  return { environment: await readEnvironment(stores, venue.amqpUrl), queued, direct };
}

async function warmUp(venue: DemoVenue, mode: Mode) {
  const { bank, warmUp } = venue.settings;
  const unhurried = { ...venue, settings: { ...venue.settings, bank: { ...bank, chargesPerSecond: 0 } } };
  const saleId = await openSale(venue, mode, warmUp.units);
  venue.say(`${mode}  warming up: ${warmUp.buyers} buyers, uncounted`);
  const crowd = { stock: warmUp.units, buyers: warmUp.buyers, seconds: warmUp.crowdSeconds };
  await sendCrowd(unhurried, mode, { saleId, ...crowd });
}

const quiet = { tally: () => undefined, stop: async () => undefined };

async function sendCrowd(
  venue: DemoVenue,
  mode: Mode,
  { saleId, stock, buyers, seconds }: { saleId: string; stock: number; buyers: number; seconds: number },
  say?: Say,
): Promise<RoadRun> {
  const { tokenSecret, ordersDatabase } = venue;
  const signed = createBuyers(tokenSecret, `${mode}-${saleId.slice(-6)}`, buyers);
  const progress = say ? await watchRoad({ say, mode, saleId, ordersDatabase }) : quiet;
  return runRoad(venue, { saleId, stock, buyers: signed, seconds, progress });
}

const OPEN_WITHIN_MS = 15_000;
const DAY_MS = 86_400_000;

/** Answers the id of a sale whose gate is open. */
async function openSale({ shop, settings, tokenSecret }: DemoVenue, mode: Mode, stock: number): Promise<string> {
  const draft: SaleDraft = {
    sku: `demo-${mode}`,
    title: `${mode} sale of ${count(stock)}`,
    price: settings.price,
    stock,
    opensAt: new Date(Date.now() - 1_000).toISOString(),
    closesAt: new Date(Date.now() + DAY_MS).toISOString(),
    perBuyerLimit: 1,
    mode,
  };
  const admin = createTokens(tokenSecret)('demo', { admin: true });
  let id: string | undefined;
  // Just started, the gateway may not have found its neighbours yet; a sale made twice for that sells nothing.
  for (const giveUpAt = Date.now() + OPEN_WITHIN_MS; ; await sleep(100)) {
    try {
      id ??= (await shop.createSale(draft, admin)).id;
      if ((await shop.sale(id)).remaining === stock) return id;
      if (Date.now() > giveUpAt) throw new Error(`the ${mode} sale ${id} does not open`);
    } catch (error) {
      if (Date.now() > giveUpAt) throw error;
    }
  }
}
