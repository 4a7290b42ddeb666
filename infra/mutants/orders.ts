// The rules of orders and of those it calls, PROTOCOL.md, section 11, each switched off.
import type { Mutant } from './mutant.ts';

const orders = (path: string) => `services/orders/src/${path}.ts`;
const inventory = (path: string) => `services/inventory/src/${path}.ts`;
const payment = (path: string) => `services/payment/src/${path}.ts`;
const messaging = (path: string) => `services/messaging/src/${path}.ts`;
const by = (service: string, file: string, name: string) => ({
  file: `services/${service}/test/${file}.test.ts`,
  name,
});
const byOrders = (file: string, name: string) => by('orders', file, name);

export const mutants: Mutant[] = [
  {
    row: '3',
    rule: 'stock refuses yesterday’s gate',
    file: inventory('outbound/ledger'),
    find: 'WHERE id = $1 AND epoch = $2 AND available >= total',
    replace: 'WHERE id = $1 AND $2 = $2 AND available >= total',
    test: byOrders('fulfil', "an order of yesterday's gate that comes by queue is refused by today's stock"),
  },
  {
    row: '3',
    rule: 'stock refuses yesterday’s gate, among others too',
    file: inventory('domain/allocate'),
    find: `if (sale.epoch !== epoch) return 'stale_epoch';`,
    replace: '',
    test: by('inventory', 'reservations', 'a batch is served in the order asked, and each item is answered by itself'),
  },
  {
    row: '14',
    rule: 'the event after the Release',
    file: orders('domain/close-orders'),
    find: 'const released = await inventory.release(uncharged, patience.callMs());',
    replace: `await ledger.close(uncharged.map((order) => order.orderId));
  const released = await inventory.release(uncharged, patience.callMs());`,
    test: byOrders('closing', 'an order that ended is not settled and no event tells of it while the unit is not back'),
  },
  {
    row: '14',
    rule: 'no event in the deciding statement of an order that must be closed',
    file: orders('outbound/ledger'),
    find: 'timeOut: () => rows(pool, TIME_OUT, []),',
    replace: `async timeOut() {
      const late = await rows(pool, TIME_OUT, []);
      const payload = (order: Order) => JSON.stringify({ ...order, amountMinor: null, currency: null });
      for (const order of late)
        await pool.query('INSERT INTO outbox (order_id, routing_key, payload) VALUES ($1, $2, $3)', [
          order.orderId, 'order.rejected', payload(order)]);
      onEvents();
      return late;
    },`,
    test: byOrders(
      'closing',
      'an order that ended is not settled and no event tells of it while the money is not safe',
    ),
  },
  {
    row: '14',
    rule: '`settled` only when nothing is open',
    file: orders('domain/order'),
    find: ' && !order.open;',
    replace: ';',
    test: byOrders('closing', 'an order that ended is not settled and no event tells of it while the unit is not back'),
  },
  {
    row: '14',
    rule: 'closed is only what was voided',
    file: orders('domain/close-orders'),
    find: 'const uncharged = orders.filter((order) => voided.has(order.orderId));',
    replace: 'const uncharged = orders;',
    test: byOrders('closing', 'an order whose void fails stays open, and is closed when it succeeds'),
  },
  {
    row: '14',
    rule: 'closed is only what was released',
    file: orders('domain/close-orders'),
    find: 'uncharged.filter((order) => released.has(order.orderId))',
    replace: 'uncharged.filter(() => released)',
    test: byOrders('closing', 'an order whose release fails stays open, and is closed when it succeeds'),
  },
  {
    row: '15',
    rule: 'a row that nobody works on is taken up',
    file: orders('domain/resume-orders'),
    find: 'await carryOn(unfinished.filter(isUndecided), ports, patience);',
    replace: '',
    test: byOrders(
      'crash',
      'a worker dies before Charge, a caller on the line: its row is taken up, and the order is confirmed once',
    ),
  },
  {
    row: '16',
    rule: 'what is open is taken up',
    file: orders('outbound/ledger'),
    find: `WHERE (status = 'placed' OR open) AND touched_at`,
    replace: `WHERE status = 'placed' AND touched_at`,
    test: byOrders(
      'closing',
      'a worker that decided and dies before Void is followed by another, which undoes what is left',
    ),
  },
  {
    row: '16',
    rule: 'the decision remembers what must follow',
    file: orders('outbound/ledger'),
    find: `reason = 'timed_out', open = true,`,
    replace: `reason = 'timed_out',`,
    test: byOrders(
      'closing',
      'a worker that decided and dies before Void is followed by another, which undoes what is left',
    ),
  },
  {
    row: '17',
    rule: 'rejected(duplicate) row',
    file: orders('outbound/ledger'),
    find: `await endAtOnce(without(rest, found), 'rejected', 'duplicate')`,
    replace: 'await endAtOnce([], "rejected", "duplicate")',
    test: byOrders('fulfil', "a buyer's second order that comes by queue is rejected as a duplicate, with an event"),
  },
  {
    row: 'unique',
    rule: 'unique buyer index',
    file: 'services/orders/migrations/001_orders_and_outbox.sql',
    find: 'CREATE UNIQUE INDEX orders_one_live_per_buyer',
    replace: 'CREATE INDEX orders_one_live_per_buyer',
    test: byOrders('batch', 'in one batch each order has its own end, and no end fails a neighbour'),
  },
  {
    row: '18',
    rule: 'released absorbs',
    file: inventory('domain/allocate'),
    find: 'if (remembered.has(item.orderId) || decided.has(item.orderId)) continue;',
    replace: `const known = remembered.get(item.orderId);
    if ((known && known.state !== 'released') || decided.has(item.orderId)) continue;`,
    test: by('inventory', 'reservations', 'a Reserve after the Release stays released'),
  },
  {
    row: '18',
    rule: 'a Release without a Reserve leaves a row',
    file: inventory('domain/allocate'),
    find: `if (!known) released.set(item.orderId, { ...item, state: 'released', reason: null });`,
    replace: 'if (!known) continue;',
    test: by(
      'inventory',
      'reservations',
      'a Release without a Reserve leaves a tombstone that refuses the late Reserve',
    ),
  },
  {
    row: '19',
    rule: 'a refusal is remembered',
    file: inventory('domain/allocate'),
    find: 'if (remembered.has(item.orderId) || decided.has(item.orderId)) continue;',
    replace: `const known = remembered.get(item.orderId);
    if ((known && known.state !== 'refused') || decided.has(item.orderId)) continue;`,
    test: by('inventory', 'reservations', 'a refused order stays refused although a unit came back'),
  },
  {
    row: '20',
    rule: 'a Void without a Charge leaves a row',
    file: payment('outbound/ledger'),
    find: 'const voided = await insertVoided(connection, orderIds);',
    replace: `await connection.query('SAVEPOINT never');
        const voided = await insertVoided(connection, orderIds);
        await connection.query('ROLLBACK TO never');`,
    test: by('payment', 'void', 'an order voided before it is charged is never charged: a late charge is refused'),
  },
  {
    row: '20',
    rule: 'a Void without a Charge leaves a row, seen from orders',
    file: payment('outbound/ledger'),
    find: 'const voided = await insertVoided(connection, orderIds);',
    replace: `await connection.query('SAVEPOINT never');
        const voided = await insertVoided(connection, orderIds);
        await connection.query('ROLLBACK TO never');`,
    test: byOrders(
      'decide-by',
      'the time of an order is up while its worker is before charge: closed, and what the worker still does is undone',
    ),
  },
  {
    row: '21',
    rule: 'bank.reverse(key), whatever the bank knows of it',
    file: payment('outbound/ledger'),
    find: `SET state = 'reversing', reverse_at = now(), updated_at = now() FROM locked`,
    replace: `SET state = CASE state WHEN 'captured' THEN 'reversing' ELSE 'reversed' END,
       reverse_at = CASE state WHEN 'captured' THEN now() END, updated_at = now() FROM locked`,
    test: by(
      'payment',
      'void',
      'an order voided while the bank is silent ends reversed, though the bank goes on later',
    ),
  },
  {
    row: '21',
    rule: 'the bank refuses a later charge of a key that was reversed',
    file: 'services/bank/src/domain/charges.ts',
    find: `statement.write({ ...entry, key, status: 'reversed', atMs: now() });`,
    replace: `if (entry) statement.write({ ...entry, key, status: 'reversed', atMs: now() });`,
    test: by('payment', 'void', 'an order voided when the bank has not even heard of it is refused there for ever'),
  },
  {
    row: '22',
    rule: 'whoever is dropped stops',
    file: orders('domain/fulfil-orders'),
    find: 'if (!patience.wanted()) return orders;',
    replace: '',
    test: byOrders(
      'hang-up',
      'a caller hangs up before Charge: the worker stops and undoes nothing, and its time closes the order',
    ),
  },
  {
    row: '22',
    rule: 'whoever is dropped undoes nothing',
    file: orders('domain/fulfil-orders'),
    find: 'if (!patience.wanted()) return orders;',
    replace: `if (!patience.wanted()) {
    await ports.ledger.decide(await release(reserved, ports, { ...patience, callMs: () => 5_000 }));
    return orders;
  }`,
    test: byOrders(
      'hang-up',
      'a caller hangs up while another worker carries the same order on: that one has it confirmed',
    ),
  },
  {
    row: 'update',
    rule: 'conditional UPDATE',
    file: orders('outbound/ledger'),
    find: `WHERE id = order_id AND status = 'placed'`,
    replace: 'WHERE id = order_id',
    test: byOrders(
      'decide-by',
      'the time of an order is up while its worker is after confirm: closed, and what the worker still does is undone',
    ),
  },
  {
    row: 'decide_by',
    rule: 'what comes too late is rejected before it has an effect',
    file: orders('outbound/ledger'),
    find: `CASE WHEN late THEN 'rejected' ELSE 'placed' END,`,
    replace: `'placed',`,
    test: byOrders(
      'decide-by',
      'an order that comes after its time is rejected, with an event, and nobody else hears of it',
    ),
  },
  {
    row: 'decide_by',
    rule: 'a row still undecided at its time is closed',
    file: orders('domain/resume-orders'),
    find: 'const late = await ports.ledger.timeOut();',
    replace: 'const late: Awaited<ReturnType<typeof ports.ledger.timeOut>> = [];',
    test: byOrders('decide-by', 'the money that the bank had taken when the time was up is given back'),
  },
  {
    row: 'unknown',
    rule: 'an unknown charge is not a decline',
    file: orders('domain/fulfil-orders'),
    find: `?? 'requested'`,
    replace: `?? 'declined'`,
    test: byOrders('unknowns', 'a call that meets an unknown says that the order is placed, and orders finishes it'),
  },
  {
    row: 'unknown',
    rule: 'an unknown Confirm confirms nothing',
    file: orders('domain/fulfil-orders'),
    find: 'return orders.filter((order) => answers.has(order.orderId));\n',
    replace: 'return orders.filter(() => answers);\n',
    test: byOrders(
      'unknowns',
      'a call that is lost on its way there decides nothing; the message comes again and asks again',
    ),
  },
  {
    row: 'unknown',
    rule: 'an unknown Release rejects nothing',
    file: orders('domain/fulfil-orders'),
    find: 'return orders.filter((order) => answers.has(order.orderId)).map(',
    replace: 'return orders.filter(() => answers).map(',
    test: byOrders(
      'unknowns',
      'a call that is lost on its way there decides nothing; the message comes again and asks again',
    ),
  },
  {
    row: 'ack',
    rule: 'ack after commit',
    file: messaging('consumer'),
    find: 'const verdicts = values.length ? await handleAll(values) : [];',
    replace: `for (const message of messages) lane.channel.ack(message);
    const verdicts = values.length ? await handleAll(values) : [];
    if (verdicts.length) return;`,
    test: byOrders(
      'crash',
      'a worker dies before Reserve: the message comes again, to another worker, and the order is confirmed once',
    ),
  },
  {
    row: 'outbox',
    rule: 'an event is forgotten only when it is delivered',
    file: orders('outbound/ledger'),
    find: 'events.filter((_, index) => delivered[index])',
    replace: 'events.filter(() => delivered)',
    test: byOrders('outbox', 'an event whose confirm is lost is sent again, and not forgotten before'),
  },
  {
    row: 'outbox',
    rule: 'a decision and its event are one',
    file: orders('outbound/ledger'),
    find: 'if (ids.length === 1) return told(await rows(pool, sql, values));',
    replace: `if (sql === DECIDE)
      return told(await rows(pool, sql.replace('FROM ended WHERE', 'FROM ended WHERE false AND'), values));`,
    test: byOrders('outbox', 'a decision whose event cannot be written is not made; it is made later, once'),
  },
];
