// The audit as text: both sides of each check, the total first, then each sale.
import type { AuditResult } from './audit.ts';
import type { Check, Total } from './check.ts';
import type { InFlight } from './in-flight.ts';

const NAME_WIDTH = 54;
const MOST_LISTED = 20;

export function describeAudit({ checks, atRest, inFlight, titles, notes }: AuditResult): string[] {
  const holding = checks.filter(({ ok }) => ok).length;
  return [
    ...checks.flatMap((check) => describeCheck(check, titles)),
    '',
    ...describeInFlight(inFlight),
    ...notes.map((note) => `note: ${note}`),
    `${atRest ? 'At rest (nothing pending anywhere)' : 'In flight'}: ${holding} of ${checks.length} checks hold.`,
  ];
}

/** The number of checks that hold, and in full those that do not. */
export function describeShortly({ checks, atRest, titles }: AuditResult): string[] {
  const failing = checks.filter(({ ok }) => !ok);
  return [
    `audit ${atRest ? 'at rest' : 'in flight'}: ${checks.length - failing.length} of ${checks.length} checks hold`,
    ...failing.flatMap((check) => describeCheck(check, titles)),
  ];
}

function describeCheck(total: Total, titles: Map<string, string>): string[] {
  const line = (name: string, { left, terms }: Omit<Check, 'saleId'>) =>
    `${name.padEnd(NAME_WIDTH)} ${left} = ${terms.join(' + ')}`;
  const ofSales = total.parts.filter(({ saleId }) => saleId !== null);
  const parts = ofSales.map((part) => line(`    ${titles.get(part.saleId ?? '') ?? part.saleId}`, part));
  return [
    line(`${total.ok ? '✓' : '✗'} ${total.name}`, total),
    ...(parts.length > 1 ? parts : []),
    ...listed(total.differing.map((orderId) => `      differs: ${orderId}`)),
  ];
}

function describeInFlight(orders: InFlight[]): string[] {
  if (orders.length === 0) return [];
  const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
  const line = ({ orderId, where, ageMs, boundMs }: InFlight) =>
    `  ${orderId}  ${where}, ${seconds(ageMs)} old, at most ${seconds(boundMs)}`;
  return [`Orders in flight, the oldest first: ${orders.length}`, ...listed(orders.map(line)), ''];
}

const listed = (lines: string[]) => [
  ...lines.slice(0, MOST_LISTED),
  ...(lines.length > MOST_LISTED ? [`  … and ${lines.length - MOST_LISTED} more (--json FILE has them all)`] : []),
];

/** The fields of `--json`, here and in the demo. */
export const asJson = ({ ok, atRest, checks, inFlight }: AuditResult) => ({
  ok,
  atRest,
  checks: checks.map(({ name, left, right, ok, differing }) => ({ name, left, right, ok, ...(!ok && { differing }) })),
  inFlight,
});
