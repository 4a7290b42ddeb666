// The audit as text: both sides of each check, the total first, then each sale.
import type { AuditResult } from './audit.ts';
import type { Check, Total } from './check.ts';
import type { InFlight } from './in-flight.ts';

const NAME_WIDTH = 52;
const MOST_LISTED = 20;

export function describeAudit({ checks, atRest, inFlight, titles, notes }: AuditResult): string[] {
  const holding = checks.filter((check) => check.ok).length;
  return [
    ...checks.flatMap((check) => describeCheck(check, titles)),
    '',
    ...describeInFlight(inFlight),
    ...notes.map((note) => `note: ${note}`),
    `${atRest ? 'At rest (nothing pending anywhere)' : 'In flight'}: ${holding} of ${checks.length} checks hold.`,
  ];
}

/** For who has just seen everything else: the number that hold, and in full what does not. */
export function describeShortly({ checks, atRest, titles }: AuditResult): string[] {
  const failing = checks.filter((check) => !check.ok);
  return [
    `audit ${atRest ? 'at rest' : 'in flight'}: ${checks.length - failing.length} of ${checks.length} checks hold`,
    ...failing.flatMap((check) => describeCheck(check, titles)),
  ];
}

function describeCheck(total: Total, titles: Map<string, string>): string[] {
  const named = total.parts.filter((part) => part.saleId !== null);
  const parts =
    named.length > 1 ? named.map((part) => line(part, `    ${titles.get(part.saleId ?? '') ?? part.saleId}`)) : [];
  return [
    line(total, `${total.ok ? '✓' : '✗'} ${total.name}`),
    ...parts,
    ...listed(total.differing, '      differs: '),
  ];
}

const line = ({ left, terms }: Pick<Check, 'left' | 'terms'>, name: string) =>
  `${name.padEnd(NAME_WIDTH)} ${left} = ${terms.join(' + ')}`;

function describeInFlight(orders: InFlight[]): string[] {
  if (orders.length === 0) return [];
  const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
  const lines = orders.map(
    ({ orderId, where, ageMs, boundMs }) =>
      `  ${orderId}  ${where}, ${seconds(ageMs)} old, at most ${seconds(boundMs)}`,
  );
  return [`Orders in flight, the oldest first: ${orders.length}`, ...listed(lines, ''), ''];
}

const listed = (lines: string[], prefix: string) => [
  ...lines.slice(0, MOST_LISTED).map((text) => `${prefix}${text}`),
  ...(lines.length > MOST_LISTED ? [`  … and ${lines.length - MOST_LISTED} more (--json FILE has them all)`] : []),
];

/** For `--json`, and the demo's own. */
export const asJson = ({ ok, atRest, checks, inFlight }: AuditResult) => ({
  ok,
  atRest,
  checks: checks.map(({ name, left, right, ok, differing }) => ({ name, left, right, ok, ...(!ok && { differing }) })),
  inFlight,
});
