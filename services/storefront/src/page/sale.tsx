// One sale: its countdown, what is left, one button, and the order that comes of it.
import { useEffect, useRef, useState } from 'preact/hooks';
import { Countdown, useNow } from './countdown.tsx';
import { OrderStatus } from './order.tsx';
import {
  buy,
  followOrder,
  keepOrder,
  keptOrder,
  type Money,
  newKey,
  type Order,
  type Outcome,
  type Sale,
} from './shop.ts';
import type { Language, Words } from './words.ts';

interface Props {
  sale: Sale;
  words: Words;
  language: Language;
  loggedIn: boolean;
  /** How far the shop's clock is ahead of this one. */
  aheadMs: number;
  onLoggedOut: () => void;
}

function priceOf({ amountMinor, currency }: Money, language: Language): string {
  const format = new Intl.NumberFormat(language, { style: 'currency', currency });
  return format.format(amountMinor / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2));
}

/** The order of this buyer in a sale: kept from before the page was loaded, or placed by a click. */
function useOrder(saleId: string, loggedIn: boolean) {
  const [location, setLocation] = useState(keptOrder(saleId));
  const [order, setOrder] = useState<Order>();
  useEffect(() => {
    if (loggedIn && location) return followOrder(location, setOrder);
  }, [location, loggedIn]);
  const placed = (at: string) => {
    keepOrder(saleId, at);
    setLocation(at);
  };
  return { location, order, placed };
}

const MAY_BUY_AGAIN = ['rejected', 'cancelled', 'expired'];

export function SaleCard({ sale, words, language, loggedIn, aheadMs, onLoggedOut }: Props) {
  const now = useNow(aheadMs);
  const { location, order, placed } = useOrder(sale.id, loggedIn);
  const [problem, setProblem] = useState<string>();
  const opens = Date.parse(sale.opensAt) > now;
  const over = sale.closed || Date.parse(sale.closesAt) <= now;
  const free = location === undefined || (order && MAY_BUY_AGAIN.includes(order.status));
  const finish = ({ location: at, problem: why }: Outcome) => {
    setProblem(why);
    if (at) placed(at);
    if (why === 'unauthenticated') onLoggedOut();
  };
  return (
    <article class={sale.mode} aria-labelledby={`title-${sale.id}`}>
      <h2 id={`title-${sale.id}`}>{sale.title}</h2>
      <p class="price">{priceOf(sale.price, language)}</p>
      <p class="mode">
        {sale.mode === 'queued' ? words.queuedMode : words.directMode}
        {sale.checkout === 'hold' && ` ${words.hold(sale.holdSeconds)}`}
      </p>
      <p class="countdown">
        {over ? (
          words.over
        ) : (
          <Countdown
            label={opens ? words.opensIn : words.closesIn}
            until={opens ? sale.opensAt : sale.closesAt}
            now={now}
          />
        )}
      </p>
      <Left sale={sale} words={words} />
      {free && !over && (
        <Buy saleId={sale.id} disabled={opens || !loggedIn} again={Boolean(order)} words={words} onOutcome={finish} />
      )}
      {!loggedIn && <p class="hint">{words.logInFirst}</p>}
      <p role="alert">{problem && (words.problem[problem] ?? words.failed)}</p>
      {location && order && <OrderStatus {...{ order, location, words, now }} onProblem={setProblem} />}
    </article>
  );
}

/** The figure is no live region: it changes all the time. */
function Left({ sale: { remaining, stock }, words }: Pick<Props, 'sale' | 'words'>) {
  const text = remaining === null ? words.counting : words.left(remaining, stock);
  return (
    <p class="left">
      <meter min={0} max={stock} value={remaining ?? 0} aria-label={text} />
      <span aria-hidden="true">{text}</span>
    </p>
  );
}

interface BuyProps {
  saleId: string;
  disabled: boolean;
  again: boolean;
  words: Words;
  onOutcome: (outcome: Outcome) => void;
}

function Buy({ saleId, disabled, again, words, onOutcome }: BuyProps) {
  const [buying, setBuying] = useState(false);
  const key = useRef(newKey());
  const click = async () => {
    if (buying) return;
    setBuying(true);
    const outcome = await buy(saleId, key.current);
    // Only a click without a response is repeated with its key.
    if (outcome.problem !== 'no-response') key.current = newKey();
    setBuying(false);
    onOutcome(outcome);
  };
  return (
    <button type="button" class="buy" disabled={disabled} aria-busy={buying} onClick={click}>
      {buying ? words.buying : again ? words.again : words.buy}
    </button>
  );
}
