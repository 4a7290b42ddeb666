// The response to a click and the outcome that it counts as. Without imports, so that Node and k6 share it.

export interface ClickResponse {
  /** 0: no response at all. */
  status: number;
  timedOut: boolean;
  /** The type of the problem in the body, `sold-out` for `/problems/sold-out`. */
  problem: string | null;
  /** Why the order was rejected, where it was. */
  reason: string | null;
}

/** One buyer's click and its response; times in Unix milliseconds, waiting counted from when the click was due. */
export interface Click extends ClickResponse {
  lateMs: number;
  responseMs: number;
  respondedAt: number;
  orderId: string | null;
  /** The order's own address: only there can the shop respond 404 for an order that never came into being. */
  location?: string | null;
}

export type Outcome =
  | 'yes'
  | 'soldOut'
  | 'busy'
  | 'tooLate'
  | 'limit'
  | 'notOpen'
  | 'rateLimited'
  | 'declined'
  | 'unknown'
  | 'error';

const PROBLEMS: Record<string, Outcome> = {
  '402 payment-declined': 'declined',
  '403 not-open': 'notOpen',
  '403 closed': 'notOpen',
  '409 already-bought': 'limit',
  '409 limit': 'limit',
  // A direct order that was not decided by its deadline was rejected for good: nothing happened.
  '409 order-rejected timed_out': 'tooLate',
  '410 sold-out': 'soldOut',
  '429 rate-limited': 'rateLimited',
  '503 busy': 'busy',
  '504 outcome-unknown': 'unknown',
};

export function outcomeOf({ status, problem, reason, timedOut }: ClickResponse): Outcome {
  if (timedOut) return 'unknown';
  if (status === 201 || status === 202) return 'yes';
  return PROBLEMS[[status, problem, ...(problem === 'order-rejected' ? [reason] : [])].join(' ')] ?? 'error';
}

export function readResponse(
  status: number,
  location: string | undefined,
  text: string,
): ClickResponse & { orderId: string | null; location: string | null } {
  const problem = PROBLEM_TYPE.exec(text)?.[1] ?? null;
  const reason = REASON.exec(text)?.[1] ?? null;
  // Only a yes and an unknown outcome name this click's order; an order in any other response is an earlier one.
  const named = (status < 300 || status === 504 ? location : undefined) ?? null;
  return { status, timedOut: false, problem, reason, orderId: named && orderOf(named), location: named };
}

/** `/v1/orders/{id}?sale=…&epoch=…`; k6 has no URL class. */
export const orderOf = (location: string): string | null => ORDER.exec(location)?.[1] ?? null;

const ORDER = /\/orders\/([^/?]+)/;
const PROBLEM_TYPE = /"type":"\/problems\/([a-z-]+)"/;
const REASON = /"reason":"([a-z_]+)"/;
