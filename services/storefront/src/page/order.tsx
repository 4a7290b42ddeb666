// The life of one order as it happens, and what its buyer may do about it.
import { useState } from 'preact/hooks';
import { Countdown } from './countdown.tsx';
import { cancel, type Order, type Outcome, pay } from './shop.ts';
import type { Words } from './words.ts';

interface Props {
  order: Order;
  location: string;
  words: Words;
  now: number;
  onProblem: (problem: string | undefined) => void;
}

export function OrderStatus({ order, location, words, now, onProblem }: Props) {
  const { status, reason, refund, deadline, position, estimatedWaitMs } = order;
  const why = reason && words.reason[reason];
  return (
    <section class={`order ${status}`} aria-label={words.yourOrder}>
      {/* Announced when it changes; the place and the time that is left change too often for that. */}
      <output aria-live="polite">
        {status === 'reserved' && !deadline ? words.paying : words.status[status]}
        {why && `: ${why}`}
        {refund && ` ${words.refund[refund]}`}
      </output>
      {position !== undefined && (
        <p>
          {words.place(position)}
          {estimatedWaitMs != null && `, ${words.wait(Math.ceil(estimatedWaitMs / 1_000))}`}
        </p>
      )}
      {status === 'reserved' && deadline && (
        <>
          <p>
            <Countdown label={words.payWithin} until={deadline} now={now} />
          </p>
          <Choices {...{ location, words, onProblem }} />
        </>
      )}
      <small>{order.orderId}</small>
    </section>
  );
}

/** The stream of the order shows what comes of a choice. */
function Choices({ location, words, onProblem }: Pick<Props, 'location' | 'words' | 'onProblem'>) {
  const [busy, setBusy] = useState(false);
  const choose = async (act: (location: string) => Promise<Outcome>) => {
    if (busy) return;
    setBusy(true);
    onProblem((await act(location)).problem);
    setBusy(false);
  };
  return (
    <p class="choices">
      <button type="button" aria-busy={busy} onClick={() => choose(pay)}>
        {words.pay}
      </button>
      <button type="button" class="quiet" aria-busy={busy} onClick={() => choose(cancel)}>
        {words.cancel}
      </button>
    </p>
  );
}
