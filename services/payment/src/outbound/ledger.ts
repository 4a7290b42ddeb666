// Charges in Postgres. Rows are locked in the order of their ids, so that waiting never goes in a circle.
import type { ChargeState } from '@flashsale/contracts/fields';
import { groupCommit } from '@flashsale/runtime/group-commit';
import { type Connection, inTransaction, type Pool, statement } from '@flashsale/runtime/postgres';
import type { BankAnswer, Charge, ChargeItem, Ledger, States } from '../domain/ports.ts';

type Row = Pick<Charge, 'orderId' | 'state'>;
type Queryable = Pick<Connection, 'query'>;

const CHARGE = `order_id AS "orderId", state, CASE WHEN amount_minor IS NOT NULL
  THEN json_build_object('amountMinor', amount_minor, 'currency', currency) END AS amount`;

interface Answer {
  orderId: string;
  answer: BankAnswer;
}

const GATHER_MS = 5;

export function createLedger(pool: Pool): Ledger {
  const recordFrom = (from: ChargeState) =>
    groupCommit<Answer, ChargeState | undefined>(GATHER_MS, async (group) => {
      const answers = new Map(group.map(({ orderId, answer }) => [orderId, answer]));
      const recorded = await updateStates(pool, from, answers);
      const others = without([...answers.keys()], recorded);
      const states = statesOf([...recorded, ...(await selectCharges(pool, others))]);
      return ({ orderId }) => states.get(orderId);
    });
  const record = { requested: recordFrom('requested'), reversing: recordFrom('reversing') };

  return {
    async request(items) {
      const inserted = await insertRequested(pool, items);
      const others = without(
        items.map((item) => item.orderId),
        inserted,
      );
      return [...inserted, ...(await selectCharges(pool, others))];
    },
    record: (from, orderId, answer) => record[from]({ orderId, answer }),
    void: (orderIds) =>
      inTransaction(pool, async (connection) => {
        const voided = await insertVoided(connection, orderIds);
        const others = without(orderIds, voided);
        await updateToReversing(connection, others);
        return statesOf([...voided, ...(await selectCharges(connection, others))]);
      }),
    find: async (orderId) => (await selectCharges(pool, [orderId]))[0],
    claimReversals: (most) => claimReversals(pool, most),
  };
}

const statesOf = (rows: Row[]): States => new Map(rows.map(({ orderId, state }) => [orderId, state]));

function without(orderIds: string[], rows: Row[]): string[] {
  const found = new Set(rows.map((row) => row.orderId));
  return orderIds.filter((orderId) => !found.has(orderId));
}

const INSERT_REQUESTED = statement(
  'payment.insert_requested',
  `INSERT INTO charges (order_id, amount_minor, currency, state)
   SELECT order_id, amount_minor, currency, 'requested'
   FROM unnest($1::uuid[], $2::bigint[], $3::text[]) AS item (order_id, amount_minor, currency) ORDER BY order_id
   ON CONFLICT DO NOTHING
   RETURNING ${CHARGE}`,
);

async function insertRequested(queryable: Queryable, items: ChargeItem[]): Promise<Charge[]> {
  const orderIds = items.map(({ orderId }) => orderId);
  const amounts = items.map(({ amount }) => amount.amountMinor);
  const currencies = items.map(({ amount }) => amount.currency);
  return (await queryable.query<Charge>(INSERT_REQUESTED, [orderIds, amounts, currencies])).rows;
}

const FIND_CHARGES = statement('payment.find_charges', `SELECT ${CHARGE} FROM charges WHERE order_id = ANY ($1)`);

async function selectCharges(queryable: Queryable, orderIds: string[]): Promise<Charge[]> {
  if (orderIds.length === 0) return [];
  return (await queryable.query<Charge>(FIND_CHARGES, [orderIds])).rows;
}

const UPDATE_STATES = statement(
  'payment.update_states',
  `WITH locked AS (
     SELECT order_id FROM charges WHERE order_id = ANY ($1) AND state = $3 ORDER BY order_id FOR UPDATE
   )
   UPDATE charges SET state = answer.state, reverse_at = NULL, updated_at = now()
   FROM locked JOIN unnest($1::uuid[], $2::text[]) AS answer (order_id, state) USING (order_id)
   WHERE charges.order_id = locked.order_id AND charges.state = $3
   RETURNING charges.order_id AS "orderId", charges.state`,
);

async function updateStates(queryable: Queryable, from: ChargeState, answers: States): Promise<Row[]> {
  if (answers.size === 0) return [];
  return (await queryable.query<Row>(UPDATE_STATES, [[...answers.keys()], [...answers.values()], from])).rows;
}

const INSERT_VOIDED = statement(
  'payment.insert_voided',
  `INSERT INTO charges (order_id, state)
   SELECT order_id, 'voided' FROM unnest($1::uuid[]) AS item (order_id) ORDER BY order_id
   ON CONFLICT DO NOTHING
   RETURNING order_id AS "orderId", state`,
);

const insertVoided = async (queryable: Queryable, orderIds: string[]): Promise<Row[]> =>
  (await queryable.query<Row>(INSERT_VOIDED, [orderIds])).rows;

const UPDATE_TO_REVERSING = statement(
  'payment.update_to_reversing',
  `WITH locked AS (SELECT order_id FROM charges WHERE order_id = ANY ($1) ORDER BY order_id FOR UPDATE)
   UPDATE charges SET state = 'reversing', reverse_at = now(), updated_at = now() FROM locked
   WHERE charges.order_id = locked.order_id AND state IN ('requested', 'captured')`,
);

async function updateToReversing(queryable: Queryable, orderIds: string[]): Promise<void> {
  if (orderIds.length > 0) await queryable.query(UPDATE_TO_REVERSING, [orderIds]);
}

/** Without an answer it is due again after as long as it has been reversing, at least 1 and at most 5 seconds. */
const CLAIM_REVERSALS = statement(
  'payment.claim_reversals',
  `UPDATE charges SET reverse_at = now() + least(greatest(now() - updated_at, interval '1 s'), interval '5 s')
   WHERE order_id IN (
     SELECT order_id FROM charges WHERE state = 'reversing' AND reverse_at <= now()
     ORDER BY reverse_at LIMIT $1 FOR UPDATE SKIP LOCKED
   ) AND state = 'reversing' AND reverse_at <= now()
   RETURNING order_id AS "orderId"`,
);

async function claimReversals(queryable: Queryable, most: number): Promise<string[]> {
  const { rows } = await queryable.query<{ orderId: string }>(CLAIM_REVERSALS, [most]);
  return rows.map((row) => row.orderId);
}
