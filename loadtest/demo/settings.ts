// The settings that the figures depend on, printed beside the table.

export const settings = {
  units: 1_000,
  price: { amountMinor: 4_900, currency: 'EUR' },
  buyers: 3_000,
  /** Their clicks are spread evenly over this time, however slow the responses are. */
  burstSeconds: 3,
  /** After it a buyer stops waiting for the response. */
  clientTimeoutMs: 10_000,
  bank: {
    chargesPerSecond: 100,
    latencyMs: { p50: 40, p99: 120 },
    declineRate: 0,
    errorRate: 0,
    lateRate: 0,
    lateMs: 0,
    seed: 1111,
  },
  /** `maxInFlight` of all gateways together: a second of the bank's work, well before the deadline. */
  direct: { deadlineMs: 2_000, maxInFlight: 100 },
  /** On each path first, uncounted, at a bank that delays no charge: connections open, code compiled. */
  warmUp: { units: 500, buyers: 800, burstSeconds: 4 },
  /** The hold run: units are reserved, and paid later or not at all. */
  hold: { units: 300, buyers: 300, burstSeconds: 2, holdSeconds: 5 },
  /** The last run: orders is killed as soon as so many orders are accepted. */
  accident: { units: 400, buyers: 600, burstSeconds: 4, killedAtYes: 120 },
  /** How long after the last click every order must have ended. */
  finalWithinSeconds: 120,
};

export type Settings = typeof settings;

/** Each gateway gets its share of the limit, so that the bank's queue is as long with several. */
export const inFlightPerGateway = (gateways = 1) => Math.ceil(settings.direct.maxInFlight / gateways);
