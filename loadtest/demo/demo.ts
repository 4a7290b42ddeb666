// The demo's story: the same crowd down each road, an accident, then all of it side by side.
import { setTimeout as sleep } from 'node:timers/promises';
import { createBuyers, createTokens } from '../../infra/buyers/buyers.ts';
import type { SaleDraft } from '../../infra/clients/shop.ts';
import { type Environment, readEnvironment } from '../figures/environment.ts';
import { count } from '../figures/format.ts';
import { type Accident, createStrike, type Processes } from './accident.ts';
import { type RoadRun, runRoad, type Venue } from './road.ts';
import { type OnSample, type RoadWatch, watchRoad } from './sample.ts';
import type { Act, ActName } from './scene.ts';
import type { Settings } from './settings.ts';
import type { Show } from './show.ts';

export interface DemoVenue extends Venue {
  tokenSecret: string;
  amqpUrl: string;
  ordersDatabase: string;
  show: Show;
  acts: Act[];
  /** Once it is requested, nothing more is shown. */
  end: AbortSignal;
  /** Absent where the processes are somebody else's: then there is no accident. */
  processes?: Processes | undefined;
}

export interface DemoResult {
  environment: Environment;
  queued: RoadRun;
  direct: RoadRun;
  accident: Accident | null;
}

type Mode = SaleDraft['mode'];

export function actsOf({ units, buyers, crowdSeconds, bank, accident }: Settings): Act[] {
  const { chargesPerSecond } = bank;
  const crowd = { units, buyers, crowdSeconds, chargesPerSecond };
  const { killedAtYes, ...small } = accident;
  return [
    { name: 'queued', mode: 'queued', title: 'a message is left: yes now, the result later', ...crowd },
    { name: 'direct', mode: 'direct', title: 'services call each other: one answer at the end', ...crowd },
    { name: 'accident', mode: 'queued', title: 'queued, and orders is killed', ...small, chargesPerSecond },
  ];
}

export async function runDemo(venue: DemoVenue): Promise<DemoResult> {
  const { stores, show, acts, processes } = venue;
  const [sales, small] = await openSales(venue);
  await warmUp(venue, 'queued');
  await warmUp(venue, 'direct');
  const { units, buyers, crowdSeconds } = venue.settings;
  show.stage(`queued    ${count(buyers)} buyers want ${count(units)} units, within ${crowdSeconds} s`);
  const queued = await sendCrowd(venue, actOf(acts, 'queued'), sales.queued);
  show.stage('direct    the same crowd, and the bank as it was before the first one');
  const direct = await sendCrowd(venue, actOf(acts, 'direct'), sales.direct);
  const accident = processes && small ? await haveAccident(venue, processes, small) : null;
  if (!accident) show.stage('accident  left out: the processes here are not ours to kill');
  return { environment: await readEnvironment(stores, venue.amqpUrl), queued, direct, accident };
}

const actOf = (acts: Act[], name: ActName) => acts.find((act) => act.name === name) as Act;

/** All of them before the first crowd comes: a gate takes a moment to open. */
async function openSales(venue: DemoVenue) {
  const { units, accident } = venue.settings;
  const sales = { queued: await openSale(venue, 'queued', units), direct: await openSale(venue, 'direct', units) };
  const small = venue.processes && (await openSale(venue, 'queued', accident.units));
  return [sales, small] as const;
}

async function warmUp(venue: DemoVenue, mode: Mode) {
  const { bank, warmUp } = venue.settings;
  const unhurried = { ...venue, settings: { ...venue.settings, bank: { ...bank, chargesPerSecond: 0 } } };
  const saleId = await openSale(venue, mode, warmUp.units);
  venue.show.stage(`${mode.padEnd(8)}  warming up: ${warmUp.buyers} buyers, uncounted`);
  const { units, buyers, crowdSeconds } = warmUp;
  await runRoad(unhurried, {
    saleId,
    stock: units,
    buyers: buyersOf(venue, mode, saleId, buyers),
    seconds: crowdSeconds,
    watch: quiet,
  });
}

const quiet: RoadWatch = { tally: () => undefined, stop: async () => undefined };

async function haveAccident(venue: DemoVenue, processes: Processes, saleId: string): Promise<Accident> {
  const { show, acts, settings } = venue;
  const { units, buyers, killedAtYes } = settings.accident;
  show.stage(`accident  ${buyers} buyers, ${units} units; at ${killedAtYes} yes orders is killed (kill -9)`);
  const withinMs = settings.finalWithinSeconds * 1_000;
  const strike = createStrike({ processes, killedAtYes, withinMs, say: show.say, mark: show.mark });
  const run = await sendCrowd(venue, actOf(acts, 'accident'), saleId, strike.watch);
  return strike.outcome(run);
}

async function sendCrowd(
  venue: DemoVenue,
  { name, mode, units, buyers, crowdSeconds }: Act,
  saleId: string,
  also = (watch: RoadWatch) => watch,
): Promise<RoadRun> {
  const { ordersDatabase, bank, show, end } = venue;
  const signed = buyersOf(venue, mode, saleId, buyers);
  const tell = show.begin(name);
  const onSample: OnSample = (sample, last) => end.aborted || tell(sample, last);
  const watch = also(await watchRoad({ saleId, ordersDatabase, bank, onSample }));
  return runRoad(venue, { saleId, stock: units, buyers: signed, seconds: crowdSeconds, watch });
}

const buyersOf = ({ tokenSecret }: DemoVenue, mode: Mode, saleId: string, buyers: number) =>
  createBuyers(tokenSecret, `${mode}-${saleId.slice(-6)}`, buyers);

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
